//! Who writes to the device itself, past its file system: nobody else writes meanwhile, and it is not called released.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rstest::rstest;

use crate::instance::{Instance, Others, Ran, VOLUME, wait_until};
use crate::releases::{release, serving, serving_beside};
use crate::volume::{Volume, must, with_a};

fn volume(instance: &Instance) -> Ran {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"])
}

/// A person's `dd` is under way. Returns the process's id.
fn open_for_writing(instance: &mut Instance, device: &str) -> u32 {
    let device = File::options().write(true).open(device).expect("the device");
    instance.started(Command::new("sleep").arg("120").stdin(device))
}

#[rstest]
fn a_device_that_somebody_writes_to_is_neither_mounted_nor_formatted(#[values("ext4", "xfs", "blank")] kind: &str) {
    let Some((mut instance, made)) = with_a(kind) else { return };
    let writer = open_for_writing(&mut instance, &made.device);
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--new", "--within", "2"]);
    assert!(ran.word() == "refused" && ran.why().contains(&format!("open for writing: sleep ({writer})")), "{ran}");
    assert!(made.is_as_made() && instance.mounts().is_empty());
    instance.end_processes();
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--new", "--within", "2"]);
    assert_eq!(ran.word(), if kind == "blank" { "formatted" } else { "mounted" }, "{ran}");
}

/// udev's programs, which ask the device for its name, do it for a moment whenever it has come.
#[test]
fn a_device_that_is_open_for_a_moment_only_is_mounted() {
    let Some((mut instance, made)) = with_a("ext4") else { return };
    open_for_writing(&mut instance, &made.device);
    let mounting = instance.begin(&["volume", "--volume", VOLUME, "--within", "2"]);
    thread::sleep(Duration::from_millis(500));
    instance.end_processes();
    assert_eq!(Ran::of(mounting).word(), "mounted");
}

#[test]
fn a_device_that_somebody_writes_to_is_not_released_until_that_ends() {
    let Some(mut instance) = serving() else { return };
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link").display().to_string();
    let writer = open_for_writing(&mut instance, &device);
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
    assert!(ran.why().contains(&format!("open for writing (sleep ({writer}))")), "{ran}");
    instance.end_processes();
    assert_eq!(release(&instance).word(), "nothing to do");
}

/// Each is gone before anybody has looked at it, and between two of them the device is nobody's.
#[rstest]
#[case::at_once("")]
#[case::with_some_work_between("sleep 0.02;")]
fn who_restores_a_volume_piece_by_piece_has_it_between_two_pieces_too(#[case] between: &str) {
    let Some(mut instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link").display().to_string();
    let line = format!(
        "while [ -e \"$1\" ]; do {between} dd if=/dev/zero of=\"$0\" bs=64k count=20 seek=600 oflag=direct \
         2>/dev/null; done"
    );
    instance.write("restoring", "");
    instance.started(Command::new("sh").args(["-c", &line, &device, &instance.text("restoring")]));
    for _ in 0..4 {
        let ran = release(&instance);
        assert!(ran.word() == "not released" && ran.why().contains("open for writing"), "{ran}");
    }
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!((ran.word(), &ran.answer["obstacle"]), ("not resumed", &"in use".into()), "{ran}");
    fs::remove_file(instance.path("restoring")).expect("a file");
    instance.end_processes();
    wait_until("end of it", || release(&instance).word() == "nothing to do");
}

/// Its descriptor is closed since.
#[test]
fn a_device_that_somebody_has_in_memory_for_writing_is_not_released() {
    let Some(mut instance) = serving() else { return };
    let device = fs::canonicalize(instance.path("dev/nvme1n1")).expect("the device").display().to_string();
    // Python keeps a descriptor of its own for a mapping.
    let code = format!(
        "import mmap, os, time\nmapped = mmap.mmap(os.open({device:?}, os.O_RDWR), 65536)\nos.closerange(3, 99)\n\
         open({:?}, 'w').close()\ntime.sleep(120)",
        instance.path("mapped")
    );
    let writer = instance.started(Command::new("python3").args(["-c", &code]));
    wait_until("mapping", || instance.path("mapped").exists());
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
    assert!(ran.why().contains(&format!("open for writing (python3 ({writer}))")), "{ran}");
    instance.end_processes();
    assert_eq!(release(&instance).word(), "nothing to do");
}

/// The kernel shows nothing of it at the first thread, once that has ended before the others.
#[test]
fn who_writes_is_found_though_its_first_thread_has_ended() {
    let Some(mut instance) = serving() else { return };
    let device = fs::canonicalize(instance.path("dev/nvme1n1")).expect("the device").display().to_string();
    let code = format!(
        "import ctypes, os, platform, threading, time\ndef write():\n    os.open({device:?}, os.O_RDWR)\n    \
         time.sleep(120)\nthreading.Thread(target=write).start()\n\
         ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)"
    );
    let writer = instance.started(Command::new("python3").args(["-c", &code]));
    wait_until("end of the first thread", || {
        fs::read_to_string(format!("/proc/{writer}/status")).is_ok_and(|status| status.contains("Z (zombie)"))
    });
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
    assert!(ran.why().contains(&format!("open for writing (python3 ({writer}))")), "{ran}");
    instance.end_processes();
    assert_eq!(release(&instance).word(), "nothing to do");
}

/// A person's `dd` has closed the device, and does not end until the kernel has written it all. No list has it by then.
#[rstest]
#[case::at_once(false, "released", false)]
#[case::again(true, "nothing to do", false)]
#[case::to_a_partition(true, "nothing to do", true)]
fn what_was_written_to_the_device_is_on_it_before_it_is_called_released(
    #[case] again: bool,
    #[case] word: &str,
    #[case] is_partition: bool,
) {
    let Some(mut instance) = Instance::boot_beside(Others::Any) else { return };
    // Frozen, it lets nothing get as far as the volume.
    let below = instance.path("below");
    fs::create_dir_all(&below).expect("a directory");
    let (image, below_text) = (instance.text("image"), instance.text("below"));
    File::create(&image).and_then(|file| file.set_len(256 << 20)).expect("an image");
    must("mkfs.ext4", &["-q", &image]);
    must("mount", &["-o", "loop", &image, &below_text]);
    let made = Volume::make(&below, "ext4").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &made.device, &made.number());
    let partition = is_partition.then(|| instance.partition(&below.join("partition")));
    let device = partition.as_ref().map_or(&made.device, |partition| &partition.device);
    if again {
        assert_eq!(release(&instance).word(), "released");
    }
    must("fsfreeze", &["--freeze", &below_text]);
    let of = format!("of={device}");
    let writer = instance.started(Command::new("dd").args(["if=/dev/zero", &of, "bs=1M", "count=8", "seek=40"]));
    let has_it = || {
        let open = fs::read_dir(format!("/proc/{writer}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path == Path::new(device))
    };
    let has_written =
        || fs::read_to_string(format!("/proc/{writer}/io")).is_ok_and(|counts| counts.contains("wchar: 8388608"));
    wait_until("end of the writing", || has_written() && !has_it());
    let mut releasing = instance.begin(&["release", VOLUME]);
    thread::sleep(Duration::from_secs(2));
    let is_early = releasing.try_wait().expect("how it is").is_some();
    must("fsfreeze", &["--unfreeze", &below_text]);
    let ran = Ran::of(releasing);
    // Nobody finds what they lie on once it is unmounted lazily.
    instance.end_processes();
    for volume in [Some(&made), partition.as_ref()].into_iter().flatten() {
        volume.release_device();
    }
    must("umount", &[&below_text]);
    assert!(!is_early, "it was called released while the kernel was writing: {ran}");
    assert_eq!((ran.word(), ran.answer.get("not_written")), (word, None), "{ran}");
}

/// It took too long, or was killed.
#[test]
fn a_device_that_nobody_has_seen_written_out_is_not_called_released() {
    let Some(instance) = serving() else { return };
    let real = "PATH=/usr/bin:/bin exec sync \"$@\"";
    instance.stand_in("sync", &format!("[ \"$1\" != --file-system ] || {real}\nkill -9 $$"));
    for _ in 0..2 {
        let ran = release(&instance);
        assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
        assert!(ran.why().contains("is not on it yet"), "{ran}");
    }
    fs::remove_file(instance.path("bin/sync")).expect("a stand-in");
    assert_eq!(release(&instance).word(), "nothing to do");
}

/// A database may have as many, and a small instance is slow to look at them.
#[test]
fn who_writes_is_found_behind_half_a_million_open_files() {
    let Some(mut instance) = serving() else { return };
    let device = fs::canonicalize(instance.path("dev/nvme1n1")).expect("the device").display().to_string();
    // They end with the instance.
    let code = format!(
        "import os, resource, time\nmost = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 100000)\n\
         resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))\nfor _ in range(most - 10): os.dup(0)\n\
         for _ in range(500000 // most):\n    if os.fork() == 0: break\nelse: open({:?}, 'w').close()\n\
         for _ in range(600):\n    if os.path.exists({:?}): time.sleep(0.1)",
        instance.path("open"),
        instance.path("open")
    );
    instance.started(Command::new("python3").args(["-c", &code]).stdin(Stdio::null()));
    wait_until("open files", || instance.path("open").exists());
    let writer = open_for_writing(&mut instance, &device);
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
    assert!(ran.why().contains(&format!("open for writing (sleep ({writer}))")), "{ran}");
}

/// A server of files is away, and every look at one of its files hangs.
#[test]
fn who_writes_is_found_behind_thirty_looks_that_hang() {
    let Some(mut instance) = serving_beside(Others::None) else { return };
    let device = fs::canonicalize(instance.path("dev/nvme1n1")).expect("the device").display().to_string();
    fs::create_dir_all(instance.path("server")).expect("a directory");
    let files: Vec<_> = (0..30).map(|file| instance.text(&format!("server/{file}"))).collect();
    for file in &files {
        File::create(file).and_then(|file| file.set_len(1 << 20)).expect("a file");
    }
    let over: Vec<_> = files.iter().map(|file| must("losetup", &["--find", "--show", file])).collect();
    let hangs = instance.mount_what_hangs("server");
    open_for_writing(&mut instance, &device);
    let writing = hangs.then(|| release(&instance));
    instance.end_processes();
    let ended = hangs.then(|| release(&instance));
    instance.unmount_everything(&["--lazy"]);
    over.iter().for_each(|over| drop(must("losetup", &["--detach", over])));
    let (Some(writing), Some(ended)) = (writing, ended) else { return };
    assert!(writing.why().contains("open for writing (sleep ("), "{writing}");
    assert_eq!(ended.word(), "nothing to do", "{ended}");
}

#[test]
fn a_loop_device_over_the_device_has_it() {
    let Some(instance) = serving() else { return };
    must("umount", &[&instance.text("data")]);
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link").display().to_string();
    // As `mount -o loop` makes it.
    let over = must("losetup", &["--find", "--show", &device]);
    fs::create_dir_all(instance.path("elsewhere")).expect("a directory");
    must("mount", &[&over, &instance.text("elsewhere")]);
    let name = over.trim_start_matches("/dev/");
    let ran = volume(&instance);
    assert!(ran.word() == "refused" && ran.why().contains(&format!("open for writing: {name}")), "{ran}");
    let ran = release(&instance);
    assert!(ran.word() == "not released" && ran.why().contains(&format!("({name})")), "{ran}");
    must("umount", &[&instance.text("elsewhere")]);
    must("losetup", &["--detach", &over]);
    assert_eq!(release(&instance).word(), "nothing to do");
}

/// Somebody restores an image while it is looked whether the volume is blank, behind the place that is being read.
#[rstest]
#[case::a_file_system(true, 64 << 20, "dd if=$root/image of=$device bs=1M conv=notrunc", "mounted")]
#[case::something(true, 64 << 20, "echo data | dd of=$device bs=1M seek=40 conv=notrunc", "refused")]
#[case::where_it_is_not_read_again(true, 1100 << 20, "echo data | dd of=$device bs=1M seek=1025 conv=notrunc", "refused")]
#[case::where_nothing_is_counted(false, 1100 << 20, "echo data | dd of=$device bs=1M seek=1025 conv=notrunc", "refused")]
fn what_was_written_while_it_was_read_is_not_formatted_away(
    #[case] is_counted: bool,
    #[case] size: u64,
    #[case] write: &str,
    #[case] word: &str,
) {
    let Some((instance, made)) = with_a("blank") else { return };
    made.resize(size);
    let iostats = format!("/sys/block/{}/queue/iostats", made.device.trim_start_matches("/dev/"));
    fs::write(&iostats, if is_counted { "1" } else { "0" }).expect("a setting");
    let image = instance.text("image");
    File::create(&image).and_then(|file| file.set_len(48 << 20)).expect("an image");
    must("mkfs.ext4", &["-q", &image]);
    // The second look at the contents is the one before it is formatted.
    let second =
        format!("[ -e \"$root/looked\" ] && [ ! -e \"$root/then\" ] && touch \"$root/then\" && {write} 2>/dev/null");
    let look = "touch \"$root/looked\"\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec blkid \"$@\"";
    instance.stand_in("blkid", &format!("device={}\n{second}\n{look}", made.device));
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--new", "--within", "2"]);
    fs::write(&iostats, "1").expect("a setting");
    assert!(instance.path("then").exists(), "{ran}");
    assert_eq!(ran.word(), word, "{ran}");
    assert!(word == "mounted" || ran.why().contains("is not blank"), "{ran}");
}

/// The program is ended while the mount that it has begun is still to come.
#[test]
fn a_mount_that_outlives_the_one_who_began_it_is_waited_for() {
    let Some(instance) = serving() else { return };
    must("umount", &[&instance.text("data")]);
    instance.stand_in("mount", "touch \"$root/mounting\"; sleep 2; PATH=/usr/bin:/bin exec mount \"$@\"");
    let mut mounting = instance.begin(&["volume", "--volume", VOLUME, "--within", "2"]);
    wait_until("mount", || instance.path("mounting").exists());
    must("kill", &["-TERM", &mounting.id().to_string()]);
    assert!(!mounting.wait().expect("it ends").success());
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    thread::sleep(Duration::from_secs(1));
    assert!(instance.mounts().is_empty(), "it was mounted after it had been called released");
}

/// Nobody writes to a volume beside its check.
#[rstest]
fn a_check_and_a_formatting_outlive_the_one_who_began_them(#[values("e2fsck", "mkfs.ext4")] program: &str) {
    let Some((instance, _made)) = with_a(if program == "e2fsck" { "ext4" } else { "blank" }) else { return };
    instance.stand_in(program, "touch \"$root/begun\"; sleep 2; touch \"$root/ended\"");
    let arguments = ["volume", "--volume", VOLUME, "--new", "--within", "2"];
    let mut killed = instance.begin(&arguments);
    wait_until(program, || instance.path("begun").exists());
    killed.kill().and_then(|()| killed.wait()).expect("it ends");
    assert_eq!(release(&instance).word(), "released");
    assert!(instance.path("ended").exists(), "it was released under {program}");
}
