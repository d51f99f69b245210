//! From OpenMetrics, as the crate writes it, to the older text format 0.0.4, which everything that reads figures understands. Never here: what a figure means.

/// The type of what [`plain`] returns.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// In 0.0.4 a counter is called the same in its head and in its lines, and there is no end mark.
pub fn plain(open: &str) -> String {
    let mut plain = String::with_capacity(open.len() + 1024);
    let mut help = None;
    for line in open.lines() {
        if let Some(about) = line.strip_prefix("# HELP ") {
            // Its name is known with its type, which follows.
            help = about.split_once(' ');
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|about| about.split_once(' '))
        {
            let end = if kind == "counter" { "_total" } else { "" };
            if let Some((_, words)) = help.take().filter(|(of, _)| *of == name) {
                plain.push_str(&format!("# HELP {name}{end} {words}\n"));
            }
            plain.push_str(&format!("# TYPE {name}{end} {kind}\n"));
        } else if !line.starts_with('#') {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_one_name_and_nothing_else_changes() {
        let open = "# HELP a_b Of b.\n# TYPE a_b counter\na_b_total{x=\"1\"} 3\n# HELP g G it is.\n# TYPE g gauge\n# UNIT g x\ng 1\n\
                    # HELP h H.\n# TYPE h histogram\nh_sum 1.0\nh_bucket{le=\"+Inf\"} 1\n# EOF\n";
        assert_eq!(
            plain(open),
            "# HELP a_b_total Of b.\n# TYPE a_b_total counter\na_b_total{x=\"1\"} 3\n# HELP g G it is.\n# TYPE g gauge\ng 1\n\
             # HELP h H.\n# TYPE h histogram\nh_sum 1.0\nh_bucket{le=\"+Inf\"} 1\n"
        );
    }
}
