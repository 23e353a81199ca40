//! Pictures of how the service does as its store grows, as SVG.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

use crate::operations::Operation;
use crate::results::{Grown, OfEngine, Results};

const SIZE: (u32, u32) = (720, 420);
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 90, 160), RGBColor(130, 180, 225), RGBColor(190, 80, 0), RGBColor(245, 175, 110)];

/// The files that [`write()`] draws, with what each shows.
pub(crate) const PICTURES: [(&str, &str); 4] = [
    ("growth-check.svg", "Consent check as the store grows"),
    ("growth-get.svg", "Record get as the store grows"),
    ("growth-ready.svg", "Start to ready as the store grows"),
    ("growth-memory.svg", "Memory as the store grows"),
];

/// A line: its name, and what was found at each number of people.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Draws all pictures into `folder`.
///
/// # Errors
/// When one cannot be written.
pub(crate) fn write(results: &Results, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let [check, get, ready, memory] = PICTURES.map(|(file, _)| folder.join(file));
    for (operation, file) in [(Operation::Check, check), (Operation::Get, get)] {
        let lines = results.engines.iter().flat_map(|of| of_operation(of, operation)).collect();
        draw(&file, &format!("{}: calls a second", operation.title()), lines)?;
    }
    let of = |what: fn(&Grown) -> f64| {
        results.engines.iter().map(|of| line(of, "", what)).collect::<Vec<_>>()
    };
    draw(&ready, "Start to ready: ms", of(|at| at.ready_millis))?;
    let lines = results.engines.iter().flat_map(|of| {
        [
            line(of, " export, peak", |at| at.app_export.peak_mib),
            line(of, " service, idle", |at| at.idle_mib),
        ]
    });
    draw(&memory, "Memory: MiB", lines.collect())
}

fn line(of: &OfEngine, what: &str, value: impl Fn(&Grown) -> f64) -> Line {
    let growth = of.whole.iter().flat_map(|whole| &whole.growth);
    let points = growth.map(|at| (f64::from(at.subjects), value(at))).collect();
    Line { name: format!("{}{what}", of.engine.title()), points }
}

fn of_operation(of: &OfEngine, operation: Operation) -> [Line; 2] {
    let at = |at: &Grown| at.operations.iter().find(|m| m.operation == operation).cloned();
    [
        line(of, "", |grown| at(grown).map_or(0.0, |m| m.service.calls_per_second)),
        line(of, ", baseline", |grown| {
            at(grown).and_then(|m| m.baseline).map_or(0.0, |b| b.calls_per_second)
        }),
    ]
}

fn draw(file: &Path, title: &str, lines: Vec<Line>) -> anyhow::Result<()> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    chart(&area, title, lines).map_err(|error| anyhow!("{}: {error}", file.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn chart<'a>(area: &Area<'a>, title: &str, lines: Vec<Line>) -> Drawn<'a> {
    area.fill(&WHITE)?;
    let points = || lines.iter().flat_map(|line| &line.points);
    let (least, most) = points().fold((f64::MAX, 1.0_f64), |(a, b), (x, _)| (a.min(*x), b.max(*x)));
    let highest = points().fold(1.0_f64, |y, point| y.max(point.1));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d((least.min(most)..most).log_scale(), 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .x_desc("people in the store")
        .x_labels(4)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (line, colour) in lines.into_iter().zip(COLOURS) {
        let marks: Vec<_> =
            line.points.iter().map(|point| Circle::new(*point, 4, colour.filled())).collect();
        chart
            .draw_series(LineSeries::new(line.points, colour.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        chart.draw_series(marks)?;
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()
}
