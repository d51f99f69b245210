//! The sheet as one page of HTML that prints on A4: the charts as SVG within it, figures and files as tables that flow on over pages. No script,
//! nothing from outside; opened from a mail it shows the same. Never here: what is drawn.

use std::fmt::Write as _;

use super::{
    Sheet, charts,
    page::{CONTENT, Heights},
    svg::{FAMILY, escape, inline},
    words,
};

/// Rules of the page. Sizes in points are those of the drawing, so that paper shows the same as the SVG.
const STYLE: &str = "\
@page{size:A4 portrait;margin:13mm}
*{box-sizing:border-box}
html{background:#fff;color:#1b1d20;-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{max-width:519pt;margin:28pt auto;padding:0 8pt;font-size:8.5pt;line-height:1.35;font-variant-numeric:tabular-nums}
@media print{body{max-width:none;margin:0;padding:0}}
header{border-bottom:.8pt solid #a9aeb5;padding-bottom:6pt;margin-bottom:8pt}
header small{float:right;font-size:8pt;color:#5c6168}
h1{font-size:19pt;line-height:1.15;font-weight:500;margin:0 0 2pt;overflow-wrap:anywhere}
header p{margin:0;font-size:9.5pt;color:#5c6168;overflow-wrap:anywhere}
h2{font-size:9pt;font-weight:500;margin:10pt 0 3pt;break-after:avoid}
.verdict{display:flex;justify-content:space-between;gap:16pt;align-items:baseline}
.verdict b{font-size:10.5pt;font-weight:500}
.verdict+p{margin:2pt 0 0}
.missed{border-left:2.5pt solid #a83220;padding-left:7pt}
.missed b{color:#a83220}
table{border-collapse:collapse;width:100%}
th{font-weight:400;font-size:7pt;color:#5c6168;text-align:left;vertical-align:bottom;padding:0 6pt 2pt 0}
td{padding:1pt 6pt 1pt 0;vertical-align:baseline}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;white-space:nowrap}
.figures{margin:8pt 0}
.figures{table-layout:fixed}
.figures td,.figures th{padding-right:0}
.figures th:first-child{width:46pt}
.figures td{color:#5c6168;font-size:9.5pt}
.figures tbody th{font-size:8pt;padding:1pt 0;vertical-align:baseline;line-height:1.6}
.figures .after td.n{color:#1b1d20;font-size:11.5pt;font-weight:500}
.files thead th{border-bottom:.5pt solid #dbdee2}
.sides{margin:0 0 9pt;font-size:7pt;color:#5c6168;overflow-wrap:anywhere}
.files td:last-child,.files th:last-child{padding-left:9pt}
.files td{font-size:7.5pt;overflow-wrap:anywhere}

tr,svg,li{break-inside:avoid}
svg{display:block;margin:0 0 9pt}
dl{display:grid;grid-template-columns:84pt 1fr;gap:1pt 8pt;margin:0}
dt{font-weight:500;overflow-wrap:anywhere}
dd{margin:0}
ul{list-style:none;margin:0;padding:0}
li{padding-left:10pt;text-indent:-10pt}
li::before{content:'';display:inline-block;width:10pt;text-indent:0}
li.no::before{content:'!';color:#a83220;font-weight:500}
footer{display:flex;justify-content:space-between;border-top:.5pt solid #dbdee2;margin-top:12pt;padding-top:4pt;font-size:7pt;color:#5c6168}
";

/// The whole page, UTF-8.
pub fn html(sheet: &Sheet) -> String {
    let title = escape(&words::title(sheet));
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}: mastering report</title>\n\
         <style>\nbody{{font-family:{FAMILY}}}\n{STYLE}</style>\n</head>\n<body>\n"
    );
    head(&mut text, sheet, &title);
    verdict(&mut text, sheet);
    figures(&mut text, sheet);
    let heights = Heights::LEAST.grown(1.5);
    text += &inline(&charts::loudness(sheet, CONTENT, heights.loudness), "Loudness over time");
    if let Some(chart) = charts::reduction(sheet, CONTENT, heights.strip) {
        text += &inline(&chart, words::tracks_title(sheet));
    }
    text += &inline(&charts::spectrum(sheet, CONTENT, heights.spectrum, heights.change), "Spectrum");
    steps(&mut text, sheet);
    sums(&mut text, sheet);
    warnings(&mut text, sheet);
    files(&mut text, sheet);
    let foot: Vec<String> = words::foot(sheet).iter().map(|part| escape(part)).collect();
    let _ =
        writeln!(text, "<footer><span>{}</span><span>Made with Deadwax</span></footer>", foot.join(" · "));
    text + "</body>\n</html>\n"
}

fn head(text: &mut String, sheet: &Sheet, title: &str) {
    let _ = write!(text, "<header><small>Mastering report</small><h1>{title}</h1>");
    let under: Vec<String> = words::under_title(sheet).iter().map(|part| escape(part)).collect();
    if !under.is_empty() {
        let _ = write!(text, "<p>{}</p>", under.join(" · "));
    }
    text.push_str("</header>\n");
}

fn verdict(text: &mut String, sheet: &Sheet) {
    let verdict = words::verdict(sheet);
    let class = if verdict.reached == Some(false) { " class=\"missed\"" } else { "" };
    let gain = words::gain(sheet).unwrap_or_default();
    let _ = write!(
        text,
        "<div{class}><div class=\"verdict\"><b>{}</b><span>{}</span></div>",
        escape(&verdict.head),
        escape(&gain)
    );
    if let Some(more) = verdict.more {
        let _ = write!(text, "<p>{}</p>", escape(&more));
    }
    text.push_str("</div>\n");
}

fn figures(text: &mut String, sheet: &Sheet) {
    let figures = words::figures(sheet);
    text.push_str("<table class=\"figures\">\n<thead><tr><th></th>");
    for figure in &figures {
        let _ = write!(
            text,
            "<th class=\"n\" scope=\"col\">{}<br>{}</th>",
            escape(figure.what),
            escape(figure.unit)
        );
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for (row, class) in [("Before", ""), ("After", " class=\"after\""), ("Change", "")] {
        let _ = write!(text, "<tr{class}><th scope=\"row\">{row}</th>");
        for figure in &figures {
            let said = match row {
                "Before" => &figure.before,
                "After" => &figure.after,
                _ => &figure.change,
            };
            let _ = write!(text, "<td class=\"n\">{}</td>", escape(said));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>\n");
    let sides: Vec<String> = words::sides(sheet).iter().map(|side| escape(side)).collect();
    if !sides.is_empty() {
        let _ = writeln!(text, "<p class=\"sides\">{}</p>", sides.join("<br>"));
    }
}

fn steps(text: &mut String, sheet: &Sheet) {
    if sheet.steps.is_empty() {
        return;
    }
    text.push_str("<h2>What was done</h2>\n<dl>\n");
    for (name, lines) in words::steps(sheet) {
        let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        let _ = writeln!(text, "<dt>{}</dt><dd>{}</dd>", escape(&name), lines.join("<br>"));
    }
    text.push_str("</dl>\n");
}

fn sums(text: &mut String, sheet: &Sheet) {
    let (sums, more) = words::first_of(&sheet.sums, words::SUMS_MAX);
    let items = sums.iter().map(|sum| (!sum.holds, words::sum(sum)));
    list(text, "Do the versions sum?", items.chain(more.map(|more| (false, more.into()))).collect());
}

fn warnings(text: &mut String, sheet: &Sheet) {
    let (warnings, more) = words::first_of(&sheet.warnings, words::WARNINGS_MAX);
    let items = warnings.iter().map(|warning| (true, words::capital(&words::sentence(warning))));
    list(text, "To be looked at", items.chain(more.map(|more| (false, more.into()))).collect());
}

/// Each with whether it asks for attention.
fn list(text: &mut String, title: &str, items: Vec<(bool, String)>) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "<h2>{title}</h2>\n<ul>");
    for (alarming, said) in items {
        let class = if alarming { " class=\"no\"" } else { "" };
        let _ = writeln!(text, "<li{class}>{}</li>", escape(&said));
    }
    text.push_str("</ul>\n");
}

fn files(text: &mut String, sheet: &Sheet) {
    if sheet.outputs.is_empty() {
        return;
    }
    let right = |column: usize| if (3..7).contains(&column) { " class=\"n\"" } else { "" };
    let _ = write!(text, "<h2>Files ({})</h2>\n<table class=\"files\">\n<thead><tr>", sheet.outputs.len());
    for (column, head) in words::FILE_HEADS.iter().enumerate() {
        let _ = write!(text, "<th{} scope=\"col\">{head}</th>", right(column));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    let (outputs, more) = words::first_of(&sheet.outputs, words::FILES_MAX);
    for output in outputs {
        text.push_str("<tr>");
        for (column, said) in words::file_row(output).iter().enumerate() {
            let _ = write!(text, "<td{}>{}</td>", right(column), escape(said));
        }
        text.push_str("</tr>\n");
    }
    if let Some(more) = more {
        let _ = writeln!(text, "<tr><td colspan=\"8\">{}</td></tr>", escape(&more));
    }
    text.push_str("</tbody></table>\n");
}
