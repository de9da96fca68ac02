//! SVG, as far as the pictures need it: bars, lines and words in classes, for a light and a dark background.

use std::fmt::Display;

/// The colours and fonts. A page may show the picture on any background, so it brings its own.
const STYLE: &str = "\
svg { --paper: #ffffff; --edge: #d7dce2; --ink: #1f2630; --dim: #5c6773; --grid: #e8ebef;
  --old: #7a8899; --old-pale: #dbe0e6; --new: #1f7a8c; --new-pale: #cfe6ea; --nobody: #eef0f3;
  --runs: #b9add6; --tick: #5b4a8a; --away: #c8452d; --away-pale: #c8452d1c; --theirs: #dca497; --there: #d5e8d9; --on: #ffffff }
@media (prefers-color-scheme: dark) { svg { --paper: #14191f; --edge: #333b45; --ink: #e4e9ef; --dim: #9aa5b1;
  --grid: #262d36; --old: #8393a5; --old-pale: #333d49; --new: #3fa3b5; --new-pale: #1d424b; --nobody: #232a32;
  --runs: #5a4e7d; --tick: #cdbff2; --away: #e8684f; --away-pale: #e8684f26; --theirs: #7d4034; --there: #24402c; --on: #10151a } }
text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: var(--ink) }
.title { font-size: 17px; font-weight: 600 }
.dim { fill: var(--dim) } .small { font-size: 11px }
.strong { font-weight: 600 }
.on { fill: var(--on) }
.paper { fill: var(--paper); stroke: var(--edge) }
.grid { stroke: var(--grid) }
.has0 { fill: var(--old) } .moves0 { fill: var(--old-pale) }
.has1 { fill: var(--new) } .moves1 { fill: var(--new-pale) }
.nobody { fill: var(--nobody) } .runs { fill: var(--runs) } .tick { fill: var(--tick) }
.away { fill: var(--away) } .band { fill: var(--away-pale) } .theirs { fill: var(--theirs) }
.there { fill: var(--there) }
";

/// An SVG under way.
pub(super) struct Canvas {
    title: String,
    description: String,
    body: String,
}

/// Left and top, width and height, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Area(pub(super) f64, pub(super) f64, pub(super) f64, pub(super) f64);

#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    /// For people who see it, and for those who have it read to them.
    pub(super) fn new(title: &str, description: &str) -> Canvas {
        Canvas { title: escaped(title), description: escaped(description), body: String::new() }
    }

    /// A bar; `told` is what it says where it is pointed at.
    pub(super) fn bar(&mut self, class: &str, Area(x, y, width, height): Area, told: &str) {
        let size = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\"");
        self.add(match told {
            "" => format!("<rect class=\"{class}\" {size}/>"),
            told => format!("<rect class=\"{class}\" {size}><title>{}</title></rect>", escaped(told)),
        });
    }

    /// An upright line.
    pub(super) fn upright(&mut self, class: &str, x: f64, top: f64, bottom: f64) {
        self.add(format!("<path class=\"{class}\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>"));
    }

    /// Words whose baseline is at `y`.
    pub(super) fn words(&mut self, class: &str, anchor: Anchor, x: f64, y: f64, text: impl Display) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(&text.to_string());
        self.add(format!("<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
    }

    pub(super) fn finish(self, width: f64, height: f64) -> String {
        let Canvas { title, description, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title description\">\n\
             <title id=\"title\">{title}</title>\n<desc id=\"description\">{description}</desc>\n\
             <style>\n{STYLE}</style>\n\
             <rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n{body}</svg>\n",
            width - 1.0,
            height - 1.0
        )
    }

    fn add(&mut self, element: String) {
        self.body.push_str(&element);
        self.body.push('\n');
    }
}

/// About how wide words are, in pixels: fonts differ, and nothing may overlap in the widest.
pub(super) fn width(text: &str) -> f64 {
    7.0 * text.chars().count() as f64
}

/// Text in SVG.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_words_and_no_markup() {
        let mut canvas = Canvas::new("<script>", "a & b");
        canvas.words("dim", Anchor::Start, 0.0, 0.0, "<b>\"home\"</b>");
        let svg = canvas.finish(10.0, 10.0);
        assert!(!svg.contains("<script>") && !svg.contains("<b>") && svg.contains("a &amp; b"), "{svg}");
    }
}
