//! The decisions, alone: a case a line, no device and no root.

mod choices;
mod cluster;
mod evidence;
mod k3s;
mod letting_go;
mod mounted;
mod rescue;
mod serving;
mod taking;
