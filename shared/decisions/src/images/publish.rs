//! Which image a family's parameter should name. Pure.

use std::time::{Duration, SystemTime};

use crate::ids::{ImageId, ParameterName};
use crate::images::{Image, ImageState};
use crate::tags::FAMILY;

/// The data type with which Parameter Store checks that a value names an image.
pub const IMAGE_DATA_TYPE: &str = "aws:ec2:image";

/// EC2 may not list an image yet that was just published; after this long, an image that it does not list is gone.
const SETTLED_AFTER: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    pub name: ParameterName,
    /// The images of this account that name the family.
    pub images: Vec<Image>,
    pub parameter: Parameter,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// Parameter Store does not have it.
    Missing,
    /// It does not have our tag: its owner has not agreed to be published to.
    Undeclared,
    Present(Box<Current>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pub value: String,
    /// `aws:ec2:image`, or something else.
    pub data_type: String,
    pub written: Option<SystemTime>,
    /// The text of its pin, if a person has pinned it.
    pub pinned: Option<String>,
    /// The image that the value names, of any owner; `None` if EC2 does not list it.
    pub image: Option<Image>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write this image's id into the parameter.
    Publish {
        image: ImageId,
        /// Whether the reason is that the parameter's image cannot be launched any more.
        heals: bool,
    },
    Done(Done),
    /// Nothing, until a person has fixed something.
    Blocked(Blocked),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Done {
    #[error("{0} is the newest")]
    Newest(String),
    /// A person decides what it names.
    #[error("pinned: {0}")]
    Pinned(String),
    /// The parameter was written a moment ago, and EC2 does not list its image: it may be too new, or be gone.
    #[error("{0} was published a moment ago and is not listed yet")]
    TooNewToSay(String),
}

/// A mistake that only a person can fix. The parameter was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// It was never created, or was deleted.
    #[error(
        "the images {images} are tagged {FAMILY}={parameter}, but there is no such parameter: deploy the node that \
         resolves it, or remove the tag from the images"
    )]
    NoParameter { parameter: ParameterName, images: String },
    /// The parameter may have nothing to do with images.
    #[error(
        "the parameter {parameter} is not tagged {FAMILY}: add the tag (any value) if images should be published to it"
    )]
    NotDeclared { parameter: ParameterName },
    /// Parameter Store would take any value.
    #[error(
        "the parameter {parameter} has the data type {data_type:?}, not {IMAGE_DATA_TYPE:?}: delete it and create it again"
    )]
    NotAnImageParameter { parameter: ParameterName, data_type: String },
    /// The node's instance types could not run it.
    #[error(
        "{image} is the newest of {parameter}, but it is {is} and the parameter names an image that is {should_be}: \
         remove its tag {FAMILY}, or change the parameter by hand"
    )]
    OtherKind {
        parameter: ParameterName,
        image: ImageId,
        /// Its architecture and virtualization.
        is: String,
        /// The architecture and virtualization of the parameter's image.
        should_be: String,
    },
    /// The next launch will fail, and it is not clear what could be launched instead.
    #[error(
        "the parameter {parameter} names {value}, which cannot be launched, and {instead}: bake an image, or enable \
         that one again"
    )]
    NothingToLaunch { parameter: ParameterName, value: String, instead: String },
    /// The next launch will fail, and a person has said that nothing is to be published.
    #[error(
        "the parameter {parameter} names {value}, which cannot be launched, and it is pinned ({pin}): enable that image \
         again, or go back to an earlier one with `just rollback {parameter}`, or have the newest published with `just unpin \
         {parameter}`"
    )]
    PinnedToNothing { parameter: ParameterName, value: String, pin: String },
    /// Parameter Store took the value in, and has not shown it within four minutes. Only an event would say why.
    #[error(
        "Parameter Store has not accepted {image} for {parameter} within four minutes: either it has refused the image, and \
         the Parameter Store Change event says so (check that the image is available, and that the caller may call \
         ec2:DescribeImages), or it is still checking it; look again in five minutes before you change anything"
    )]
    Refused { parameter: ParameterName, image: ImageId },
}

pub fn decide(family: &Family, now: SystemTime) -> Decision {
    let parameter = || family.name.clone();
    let current = match &family.parameter {
        Parameter::Present(current) => current,
        Parameter::Missing => {
            let images = family.images.iter().map(|image| image.id.as_str()).collect::<Vec<_>>().join(", ");
            return Decision::Blocked(Blocked::NoParameter { parameter: parameter(), images });
        }
        Parameter::Undeclared => return Decision::Blocked(Blocked::NotDeclared { parameter: parameter() }),
    };
    if current.data_type != IMAGE_DATA_TYPE {
        let data_type = current.data_type.clone();
        return Decision::Blocked(Blocked::NotAnImageParameter { parameter: parameter(), data_type });
    }
    let broken = match &current.image {
        Some(image) => image.state != ImageState::Available,
        None => is_settled(current, now),
    };
    match (&current.pinned, &current.image) {
        (Some(pin), _) if broken => {
            let (value, pin) = (shown(current), pin.clone());
            Decision::Blocked(Blocked::PinnedToNothing { parameter: parameter(), value, pin })
        }
        (Some(pin), _) => Decision::Done(Done::Pinned(pin.clone())),
        (None, image) if broken => instead_of(family, current, image.as_ref(), now),
        (None, Some(image)) => newer_than(family, image, now),
        (None, None) => Decision::Done(Done::TooNewToSay(current.value.clone())),
    }
}

/// The parameter's value, as far as a message has room for it.
fn shown(current: &Current) -> String {
    current.value.chars().take(64).collect()
}

/// An image that can be launched is replaced only by a newer one of its kind.
fn newer_than(family: &Family, current: &Image, now: SystemTime) -> Decision {
    // An image of unknown age is the newest: nothing is known to be newer.
    let newer = |created| current.created.is_some_and(|age| age < created);
    let newest_of = |same_kind: bool| {
        candidates(family, now)
            .filter(|(created, image)| newer(*created) && (kind(image) == kind(current)) == same_kind)
            .max_by_key(|(created, image)| (*created, &image.id))
    };
    match (newest_of(true), newest_of(false)) {
        (Some((_, image)), _) => Decision::Publish { image: image.id.clone(), heals: false },
        // Reported only once the good ones are published, so that a stray image does not hold them up.
        (None, Some((_, stray))) => Decision::Blocked(Blocked::OtherKind {
            parameter: family.name.clone(),
            image: stray.id.clone(),
            is: kind(stray),
            should_be: kind(current),
        }),
        (None, None) => Decision::Done(Done::Newest(current.id.to_string())),
    }
}

/// The next launch would fail, so any image that can be launched is better, even an older one.
fn instead_of(family: &Family, current: &Current, unavailable: Option<&Image>, now: SystemTime) -> Decision {
    let wanted = unavailable.map(kind);
    let fits = |image: &Image| wanted.as_ref().is_none_or(|wanted| *wanted == kind(image));
    let mut found: Vec<_> = candidates(family, now).filter(|(_, image)| fits(image)).collect();
    found.sort_by_key(|(created, image)| (*created, &image.id));
    let nothing = |instead: &str| {
        let (parameter, value) = (family.name.clone(), shown(current));
        Decision::Blocked(Blocked::NothingToLaunch { parameter, value, instead: instead.to_owned() })
    };
    match found.last() {
        None => nothing("no other image of the family is available"),
        Some((_, newest)) if found.iter().any(|(_, image)| kind(image) != kind(newest)) => {
            nothing("the family's images are of several architectures")
        }
        Some((_, newest)) => Decision::Publish { image: newest.id.clone(), heals: true },
    }
}

fn candidates(family: &Family, now: SystemTime) -> impl Iterator<Item = (SystemTime, &Image)> {
    family.images.iter().filter_map(move |image| Some((image.publishable(now).ok()?, image)))
}

fn kind(image: &Image) -> String {
    format!("{} {}", image.architecture, image.virtualization)
}

fn is_settled(current: &Current, now: SystemTime) -> bool {
    // A value that is no image id was never one that EC2 could list.
    let is_an_id = ImageId::new(current.value.as_str()).is_ok();
    let since = current.written.and_then(|written| now.duration_since(written).ok());
    !is_an_id || since.is_some_and(|since| since >= SETTLED_AFTER)
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Decision::Publish { image, heals: false } => write!(f, "publish {image}, which is newer"),
            Decision::Publish { image, heals: true } => {
                write!(f, "publish {image}, because the present one cannot be launched any more")
            }
            Decision::Done(reason) => write!(f, "nothing: {reason}"),
            Decision::Blocked(reason) => write!(f, "nothing: {reason}"),
        }
    }
}
