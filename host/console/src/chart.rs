//! Charts, drawn here as plain SVG. Each stands beside a table of the same numbers.

use maud::{Markup, html};

/// A part of a bar: how much, and its colour.
pub type Part = (usize, &'static str);

const BAR: usize = 20;
const GAP: usize = 10;
const HEIGHT: usize = 160;

/// Bars, each of parts on one another; each with a label for who points at it.
pub fn bars(title: &str, bars: &[(String, Vec<Part>)]) -> Markup {
    let most = bars
        .iter()
        .map(|(_, parts)| parts.iter().map(|part| part.0).sum::<usize>())
        .max()
        .unwrap_or(0)
        .max(1);
    let width = bars.len() * (BAR + GAP);
    html! {
        svg.chart viewBox={ "0 0 " (width) " " (HEIGHT + 4) } role="img" aria-label=(title) {
            line x1="0" x2=(width) y1=(HEIGHT + 1) y2=(HEIGHT + 1) class="axis" {}
            @for (index, (label, parts)) in bars.iter().enumerate() {
                g {
                    title { (label) }
                    rect x=(index * (BAR + GAP)) y="0" width=(BAR + GAP) height=(HEIGHT) class="hit" {}
                    @for (y, height, class) in stacked(parts, most) {
                        rect x=(index * (BAR + GAP) + GAP / 2) y=(y) width=(BAR) height=(height) rx="2" class={ "bar " (class) } {}
                    }
                }
            }
        }
    }
}

/// Where each part stands: its top, its height, its colour.
fn stacked(parts: &[Part], most: usize) -> Vec<(usize, usize, &'static str)> {
    let mut floor = HEIGHT;
    let mut placed = Vec::new();
    for (amount, class) in parts {
        if *amount == 0 {
            continue;
        }
        let height = (amount * HEIGHT / most).max(2).min(floor);
        floor -= height;
        placed.push((floor, height.saturating_sub(1).max(1), *class));
    }
    placed
}
