//! Where a device is read before it is called blank.

/// All of a volume of the usual size, because a file system that has lost its head may have its data anywhere: at gp3's
/// 125 MiB/s this takes four minutes, once in the life of a node. Of a larger volume this much, and samples of the
/// rest.
pub const WHOLE: u64 = 32 << 30;
/// As much once more just before it is formatted, which takes some seconds, and samples of the rest.
pub const AGAIN: u64 = 1 << 30;
const CHUNK: u64 = 4 << 20;
/// Behind that. The copies of ext4's superblock are at multiples of this, whatever its blocks (`mke2fs`,
/// "sparse_super").
const STRIDE: u64 = 8 << 20;
const SAMPLE: u64 = 64 << 10;
/// Many kinds of data have a copy of their first mark here.
const TAIL: u64 = 1 << 20;

/// A part of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub offset: u64,
    pub length: u64,
}

/// The parts of a device of this size that have to be zero, from head to tail: so much from its head as a whole.
pub fn parts(size: u64, most: u64) -> impl Iterator<Item = Part> {
    let whole = size.min(most);
    let part = move |offset: u64, length: u64, end: u64| Part { offset, length: length.min(end - offset) };
    let chunks = (0..whole.div_ceil(CHUNK)).map(move |index| part(index * CHUNK, CHUNK, whole));
    let samples = (most / STRIDE..size.div_ceil(STRIDE)).map(move |index| part(index * STRIDE, SAMPLE, size));
    let tail = (size > most).then(|| part(size - TAIL, TAIL, size));
    chunks.chain(samples).chain(tail)
}
