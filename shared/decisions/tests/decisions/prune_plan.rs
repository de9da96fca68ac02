//! The prune plan, over generated accounts: nothing that anything protects ever goes, everything else does in the end,
//! and a plan that was carried out leaves nothing to do.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use durin_decisions::ids::{ImageId, SnapshotId};
use durin_decisions::images::prune::{Account, ImageVerdict, Keep, Plan, Policy, SnapshotVerdict, plan};
use durin_decisions::images::references::{Reference, References};
use durin_decisions::images::{Image, ImageState, Snapshot};
use durin_decisions::tags::{FAMILY, IMAGE_ID, KEEP, STALE_SINCE, VOLUME};
use durin_decisions::times::{instant, timestamp};
use fastrand::Rng;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);
const ACCOUNTS: u64 = 2_000;

fn now() -> SystemTime {
    instant("2026-03-01T12:00:00Z").expect("a time")
}

/// One in `n`.
fn rarely(rng: &mut Rng, n: u32) -> bool {
    rng.u32(..n) == 0
}

fn generated(rng: &mut Rng) -> (Account, Policy) {
    let policy = Policy { keep_newest: rng.usize(..4), keep_younger: DAY * rng.u32(..10), soak: DAY * rng.u32(1..4) };
    let snapshots: Vec<Snapshot> = (0..rng.u64(..16)).map(|number| snapshot(rng, number)).collect();
    let images: Vec<Image> = (0..rng.u64(..24)).map(|number| image(rng, number, &snapshots)).collect();
    let mut references = References::default();
    for image in &images {
        if rarely(rng, 5) {
            let by = match rng.u32(..3) {
                0 => Reference::Instance("i-0123456789abcdef0".to_owned()),
                1 => Reference::Parameter { name: "/images/k3s".to_owned(), version: 1 },
                _ => Reference::SharedWith("111122223333".to_owned()),
            };
            references.images.entry(image.id.clone()).or_default().insert(by);
        }
        if !rarely(rng, 10) {
            references.examined.insert(image.id.clone());
        }
    }
    references.texts_read = !rarely(rng, 10);
    // Of images that are gone, too.
    for number in 24..32 {
        if rarely(rng, 4) {
            let by = Reference::Instance("i-0123456789abcdef1".to_owned());
            references.images.entry(image_id(number)).or_default().insert(by);
        }
    }
    if let Some(snapshot) = rng.choice(&snapshots) {
        let by = Reference::LaunchTemplate { name: "web".to_owned(), version: 2 };
        references.snapshots.entry(snapshot.id.clone()).or_default().insert(by);
    }
    if rarely(rng, 10) {
        references.unread.push("fleets: UnauthorizedOperation".to_owned());
    }
    (Account { images, snapshots, references }, policy)
}

fn snapshot(rng: &mut Rng, number: u64) -> Snapshot {
    let mut tags = std::collections::BTreeMap::new();
    if !rarely(rng, 3) {
        let family = if rarely(rng, 8) { "not a name" } else { "/images/k3s" };
        tags.insert(FAMILY.to_owned(), family.to_owned());
    }
    if rarely(rng, 8) {
        tags.insert(KEEP.to_owned(), String::new());
    }
    if rarely(rng, 3) {
        tags.insert(STALE_SINCE.to_owned(), timestamp(now() - DAY * rng.u32(..40)));
    }
    if rarely(rng, 16) {
        tags.insert(VOLUME.to_owned(), "data".to_owned());
    }
    if rarely(rng, 16) {
        tags.extend((0..50).map(|number| (format!("cost-{number}"), String::new())));
    }
    Snapshot {
        id: SnapshotId::new(format!("snap-{number:017x}")).expect("an id"),
        completed: !rarely(rng, 8),
        started: (!rarely(rng, 10)).then(|| now() - DAY * rng.u32(..30)),
        lost_image: (!rarely(rng, 3)).then(|| image_id(rng.u64(..32))),
        gib: 8,
        tags,
    }
}

fn image_id(number: u64) -> ImageId {
    ImageId::new(format!("ami-{number:017x}")).expect("an id")
}

fn image(rng: &mut Rng, number: u64, snapshots: &[Snapshot]) -> Image {
    let mut tags = std::collections::BTreeMap::new();
    if !rarely(rng, 6) {
        let family = ["/images/k3s", "/images/k3s", "/images/k3s", "/images/web", "not a name"][rng.usize(..5)];
        tags.insert(FAMILY.to_owned(), family.to_owned());
    }
    if rarely(rng, 16) {
        tags.insert(KEEP.to_owned(), "yes".to_owned());
    }
    if rarely(rng, 3) {
        tags.insert(STALE_SINCE.to_owned(), timestamp(now() - DAY * rng.u32(..6)));
    }
    let state = match rng.u32(..16) {
        0 => ImageState::Pending,
        1 => ImageState::Other("failed".to_owned()),
        2..=5 => ImageState::Disabled,
        _ => ImageState::Available,
    };
    let is_disabled = state == ImageState::Disabled;
    Image {
        id: image_id(number),
        name: String::new(),
        state,
        created: (!rarely(rng, 16)).then(|| now() - DAY * rng.u32(..30)),
        deprecated: (!rarely(rng, if is_disabled { 6 } else { 2 })).then(|| now() - DAY),
        architecture: if rarely(rng, 4) { "arm64" } else { "x86_64" }.to_owned(),
        virtualization: "hvm".to_owned(),
        copy_of: rarely(rng, 6).then(|| "ami-00000001".to_owned()),
        protected: rarely(rng, 16),
        public: rarely(rng, 16),
        snapshots: (0..rng.usize(..3)).filter_map(|_| rng.choice(snapshots).map(|it| it.id.clone())).collect(),
        gib: 8,
        tags,
    }
}

/// A mark that is older than its image is another's.
fn is_marked(image: &Image) -> bool {
    let since = image.tags.get(STALE_SINCE).and_then(|since| instant(since));
    since.is_some_and(|since| image.created.is_none_or(|created| created <= since))
}

/// Whether anything at all protects an image, said in another way than the plan says it.
fn must_stay(image: &Image, account: &Account, policy: &Policy, now: SystemTime) -> bool {
    let of_this_kind = |other: &&Image| {
        let bootable =
            other.state == ImageState::Available || (other.state == ImageState::Disabled && is_marked(other));
        let kin = other.tags.get(FAMILY) == image.tags.get(FAMILY) && other.architecture == image.architecture;
        let since = other.tags.get(STALE_SINCE).and_then(|since| instant(since)).filter(|_| is_marked(other));
        let ours = |at| since.is_some_and(|since| at == since);
        let withdrawn = other.deprecated.is_some_and(|at| at <= now && !ours(at) && !ours(at - MINUTE));
        bootable && kin && !withdrawn && other.copy_of.is_none() && other.created.is_some()
    };
    let newer = account
        .images
        .iter()
        .filter(of_this_kind)
        .filter(|other| (other.created, &other.id) > (image.created, &image.id));
    let referenced = account.references.images.contains_key(&image.id)
        || image.snapshots.iter().any(|snapshot| account.references.snapshots.contains_key(snapshot));
    let owned = image.tags.get(FAMILY).is_some_and(|name| name.starts_with('/'));
    let touchable = match image.state {
        ImageState::Available => true,
        ImageState::Disabled => is_marked(image) && image.deprecated.is_some(),
        ImageState::Pending | ImageState::Other(_) => false,
    };
    let old = image.created.is_some_and(|created| created + policy.keep_younger <= now);
    let asked_for = image.tags.contains_key(KEEP) || image.protected || image.public;
    let among_newest = of_this_kind(&image) && newer.count() < policy.keep_newest;
    let own = || account.snapshots.iter().filter(|snapshot| image.snapshots.contains(&snapshot.id));
    let for_snapshot = own().any(|snapshot| {
        let findable = snapshot.tags.contains_key(FAMILY) || snapshot.tags.len() < 50;
        snapshot.tags.contains_key(KEEP) || snapshot.tags.contains_key(VOLUME) || !findable
    });
    let sharers = account.images.iter().filter(|it| it.snapshots.iter().any(|id| image.snapshots.contains(id)));
    let tags = sharers.map(|it| &it.tags).chain(own().map(|snapshot| &snapshot.tags)).chain([&image.tags]);
    let claims: BTreeSet<&str> =
        tags.filter_map(|tags| tags.get(FAMILY)).map(String::as_str).filter(|name| name.starts_with('/')).collect();
    let unknown = !account.references.unread.is_empty() || !account.references.examined.contains(&image.id);
    referenced
        || !owned
        || !touchable
        || !old
        || asked_for
        || among_newest
        || for_snapshot
        || unknown
        || claims.len() > 1
}

fn snapshot_must_stay(snapshot: &Snapshot, account: &Account, policy: &Policy, now: SystemTime) -> bool {
    account.images.iter().any(|image| image.snapshots.contains(&snapshot.id))
        || account.references.snapshots.contains_key(&snapshot.id)
        || snapshot.lost_image.as_ref().is_some_and(|image| account.references.images.contains_key(image))
        || snapshot.tags.get(IMAGE_ID).is_some_and(|text| {
            text.split(' ').any(|id| account.references.images.keys().any(|image| image.as_str() == id))
        })
        || may_be_of_any_image_in_use(snapshot, account)
        || snapshot.tags.contains_key(VOLUME)
        || !account.references.texts_read
        || (snapshot.tags.len() >= 50 && !snapshot.tags.contains_key(STALE_SINCE))
        || !account.references.unread.is_empty()
        || !snapshot.tags.get(FAMILY).is_some_and(|name| name.starts_with('/'))
        || snapshot.tags.contains_key(KEEP)
        || !snapshot.completed
        || snapshot.started.is_none_or(|started| started + policy.keep_younger > now)
}

/// No tag says which image it is of, and there is an image in use for which nothing else could be the way back.
fn may_be_of_any_image_in_use(snapshot: &Snapshot, account: &Account) -> bool {
    let says_nothing = !snapshot.tags.contains_key(IMAGE_ID);
    let names = |it: &Snapshot, image: &ImageId| {
        it.lost_image.as_ref() == Some(image) || it.tags.get(IMAGE_ID).is_some_and(|text| text.contains(image.as_str()))
    };
    let is_lost = |image: &&ImageId| {
        !account.images.iter().any(|it| it.id == **image) && !account.snapshots.iter().any(|it| names(it, image))
    };
    says_nothing && account.references.images.keys().any(|image| is_lost(&image))
}

/// What EC2 does when a plan is carried out without a fault.
fn carried_out(account: &mut Account, plan: &Plan, now: SystemTime) -> usize {
    let mut changes = 0;
    let mut gone: BTreeSet<ImageId> = BTreeSet::new();
    for entry in &plan.images {
        let image = account.images.iter_mut().find(|image| image.id == entry.image.id).expect("planned, so there");
        match entry.verdict {
            ImageVerdict::Keep(_) => continue,
            ImageVerdict::Enable(_) => {
                image.state = ImageState::Available;
                image.deprecated = image.deprecated.filter(|_| !image.is_deprecated_by_us());
                image.tags.remove(STALE_SINCE);
            }
            ImageVerdict::Disable => {
                image.state = ImageState::Disabled;
                image.deprecated.get_or_insert(now + MINUTE);
                image.tags.insert(STALE_SINCE.to_owned(), timestamp(now));
            }
            ImageVerdict::Deregister => drop(gone.insert(image.id.clone())),
        }
        changes += 1;
    }
    let (left, removed): (Vec<_>, Vec<_>) =
        std::mem::take(&mut account.images).into_iter().partition(|image| !gone.contains(&image.id));
    account.images = left;
    let shared = |id: &SnapshotId| account.images.iter().any(|image| image.snapshots.contains(id));
    let with_image: BTreeSet<SnapshotId> =
        removed.into_iter().flat_map(|image| image.snapshots).filter(|id| !shared(id)).collect();
    let orphans: BTreeSet<&SnapshotId> = plan
        .snapshots
        .iter()
        .filter(|entry| entry.verdict == SnapshotVerdict::Delete)
        .map(|entry| &entry.snapshot.id)
        .collect();
    changes += orphans.len();
    for entry in &plan.snapshots {
        let snapshot = account.snapshots.iter_mut().find(|it| it.id == entry.snapshot.id).expect("planned, so there");
        match entry.verdict {
            SnapshotVerdict::Keep(_) | SnapshotVerdict::Delete => continue,
            SnapshotVerdict::Unmark(_) => drop(snapshot.tags.remove(STALE_SINCE)),
            SnapshotVerdict::Mark => drop(snapshot.tags.insert(STALE_SINCE.to_owned(), timestamp(now))),
        }
        changes += 1;
    }
    for (id, text) in &plan.untold {
        let snapshot = account.snapshots.iter_mut().find(|it| it.id == *id).expect("planned, so there");
        snapshot.tags.insert(IMAGE_ID.to_owned(), text.clone());
        changes += 1;
    }
    account.snapshots.retain(|snapshot| !with_image.contains(&snapshot.id) && !orphans.contains(&snapshot.id));
    changes
}

#[test]
fn nothing_protected_ever_goes() {
    for seed in 0..ACCOUNTS {
        let (account, policy) = generated(&mut Rng::with_seed(seed));
        let plan = plan(&account, &policy, now());
        assert_eq!((plan.images.len(), plan.snapshots.len()), (account.images.len(), account.snapshots.len()));
        for entry in &plan.images {
            let soaked = entry.image.mark().is_some_and(|mark| mark.since + policy.soak <= now());
            let stays = must_stay(&entry.image, &account, &policy, now());
            match &entry.verdict {
                ImageVerdict::Keep(_) => {}
                ImageVerdict::Enable(_) => assert!(stays, "seed {seed}: {entry:?}"),
                ImageVerdict::Disable => assert!(!stays, "seed {seed}: {entry:?}"),
                ImageVerdict::Deregister => assert!(!stays && soaked, "seed {seed}: {entry:?}"),
            }
            if entry.verdict == ImageVerdict::Deregister {
                assert_eq!(entry.image.state, ImageState::Disabled, "seed {seed}");
            }
        }
        for entry in &plan.snapshots {
            let since = entry.snapshot.tags.get(STALE_SINCE).and_then(|since| instant(since));
            let soaked = since.is_some_and(|since| since + policy.soak <= now());
            let stays = snapshot_must_stay(&entry.snapshot, &account, &policy, now());
            match &entry.verdict {
                SnapshotVerdict::Keep(_) => {}
                SnapshotVerdict::Unmark(_) => assert!(stays && since.is_some(), "seed {seed}: {entry:?}"),
                SnapshotVerdict::Mark => assert!(!stays, "seed {seed}: {entry:?}"),
                SnapshotVerdict::Delete => assert!(!stays && soaked, "seed {seed}: {entry:?}"),
            }
        }
    }
}

#[test]
fn a_plan_that_was_carried_out_leaves_nothing_to_do() {
    for seed in 0..ACCOUNTS {
        let (mut account, policy) = generated(&mut Rng::with_seed(seed));
        let first = plan(&account, &policy, now());
        carried_out(&mut account, &first, now());
        let second = plan(&account, &policy, now());
        assert_eq!(carried_out(&mut account, &second, now()), 0, "seed {seed}: {second:?}");
    }
}

#[test]
fn everything_removable_is_removed_in_the_end() {
    let mut removed = 0;
    for seed in 0..ACCOUNTS {
        let (mut account, policy) = generated(&mut Rng::with_seed(seed));
        account.references.unread.clear();
        account.references.examined = account.images.iter().map(|image| image.id.clone()).collect();
        account.references.texts_read = true;
        let before = account.images.len();
        let mut time = now();
        for _ in 0..20 {
            let step = plan(&account, &policy, time);
            carried_out(&mut account, &step, time);
            time += DAY * 5;
        }
        for image in &account.images {
            assert!(must_stay(image, &account, &policy, time), "seed {seed}: {image:?} was left behind");
        }
        for snapshot in &account.snapshots {
            assert!(snapshot_must_stay(snapshot, &account, &policy, time), "seed {seed}: {snapshot:?} was left");
        }
        removed += before - account.images.len();
    }
    assert!(removed > usize::try_from(ACCOUNTS).expect("few"), "the accounts have to have litter: {removed}");
}

#[test]
fn what_could_not_be_read_is_said_and_nothing_goes() {
    for seed in 0..ACCOUNTS / 10 {
        let (mut account, policy) = generated(&mut Rng::with_seed(seed));
        account.references.unread = vec!["launch templates: throttled".to_owned()];
        let plan = plan(&account, &policy, now());
        assert_eq!(plan.unread, account.references.unread);
        let goes = |verdict: &ImageVerdict| matches!(verdict, ImageVerdict::Disable | ImageVerdict::Deregister);
        assert!(plan.images.iter().all(|entry| !goes(&entry.verdict)), "seed {seed}");
        let goes = |verdict: &SnapshotVerdict| matches!(verdict, SnapshotVerdict::Mark | SnapshotVerdict::Delete);
        assert!(plan.snapshots.iter().all(|entry| !goes(&entry.verdict)), "seed {seed}");
    }
}

#[test]
fn what_was_not_looked_at_closely_stays_until_it_was() {
    let mut rng = Rng::with_seed(7);
    let mut image = image(&mut rng, 1, &[]);
    image.state = ImageState::Available;
    image.tags = [(FAMILY.to_owned(), "/images/k3s".to_owned())].into();
    image.created = Some(now() - DAY * 60);
    (image.protected, image.public) = (false, false);
    let policy = Policy { keep_newest: 0, ..Policy::default() };
    let mut account = Account { images: vec![image], ..Account::default() };
    let before = plan(&account, &policy, now());
    assert_eq!(before.images[0].verdict, ImageVerdict::Keep(Keep::NotExamined));
    account.references.examined.extend(before.unexamined().cloned());
    assert_eq!(plan(&account, &policy, now()).images[0].verdict, ImageVerdict::Disable);
}
