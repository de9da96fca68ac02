//! Where a device is read before it is called blank.

/// At both ends, where most kinds of data have their first mark and their copies.
const END: u64 = 1 << 20;
/// In between: the copies of ext4's superblock are at multiples of this for every size of block (`mke2fs`, "sparse_super"),
/// and btrfs's at 64 MiB; a journal or a log is longer.
const STRIDE: u64 = 8 << 20;
const SAMPLE: u64 = 64 << 10;

/// A part of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub offset: u64,
    pub length: u64,
}

/// The parts of a device of this size that have to be zero, from head to tail. All of a small device; of a large one as
/// much as can be read in a minute for each TiB.
pub fn parts(size: u64) -> impl Iterator<Item = Part> {
    let at = move |offset: u64, length: u64| Part { offset, length: length.min(size.saturating_sub(offset)) };
    let samples = (1..size.div_ceil(STRIDE)).map(move |step| at(step * STRIDE, SAMPLE));
    let tail = size.saturating_sub(END);
    let all = [at(0, END)].into_iter().chain(samples).chain([at(tail, END)]);
    let whole = [at(0, size)].into_iter();
    let is_small = size <= STRIDE;
    let parts: Box<dyn Iterator<Item = Part>> = if is_small { Box::new(whole) } else { Box::new(all) };
    parts.filter(|part| part.length > 0)
}
