//! The decisions, alone: a case a line, no device and no root.

mod choices;
mod evidence;
mod letting_go;
mod mounted;
mod taking;
