//! A person at a browser: Debian's Chromium, told what to do over its own protocol (a pipe, no port), by clicks and keys as they come from hands. What is waited for is in the
//! page or it is not. Never here: steps; what the page does by itself.

mod pipe;

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use self::pipe::Pipe;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);
const VARIABLE: &str = "DEADWAX_TEST_BROWSER";
/// Counted from the first look: whatever changes is seen within a moment.
const LOOK_EVERY: Duration = Duration::from_millis(60);

/// Width and height in points, and how many pixels a point has.
pub type Size = (u32, u32, f64);
pub const PHONE: Size = (360, 780, 2.0);
pub const TABLET: Size = (768, 1024, 1.5);
pub const DESKTOP: Size = (1280, 860, 1.5);

pub struct Browser {
    pipe: Arc<Pipe>,
}

/// One person's window, with storage of its own.
pub struct Tab {
    pipe: Arc<Pipe>,
    session: String,
    context: String,
}

/// Where Chromium is. `None` where there is none and nobody said that there must be.
///
/// # Errors
/// Where it is required by the environment and missing.
pub fn program() -> Result<Option<PathBuf>> {
    let places = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = env::split_paths(&places)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() && env::var(VARIABLE).as_deref() == Ok("required") {
        bail!("{VARIABLE}=required, and there is no chromium on the PATH");
    }
    if found.is_none() {
        eprintln!("no chromium on the PATH: skipped ({VARIABLE}=required makes that a failure)");
    }
    Ok(found)
}

impl Browser {
    /// Starts it with a profile in `folder`.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn open(program: &Path, folder: &Path) -> Result<Browser> {
        let pipe = Arc::new(Pipe::open(program, folder)?);
        pipe.ask(None, "Browser.getVersion", json!({})).context("the browser does not answer")?;
        Ok(Browser { pipe })
    }

    /// A window of somebody else: nothing is shared with the others.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub fn tab(&self, size: Size) -> Result<Tab> {
        let text = |answer: &Value, key: &str| -> Result<String> {
            Ok(answer[key].as_str().with_context(|| format!("no {key} in {answer}"))?.to_owned())
        };
        let made = self.pipe.ask(None, "Target.createBrowserContext", json!({}))?;
        let context = text(&made, "browserContextId")?;
        self.tab_in(&context, size)
    }

    /// Another window of the same person.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub fn beside(&self, other: &Tab, size: Size) -> Result<Tab> {
        self.tab_in(&other.context, size)
    }

    fn tab_in(&self, context: &str, size: Size) -> Result<Tab> {
        let asked = json!({ "url": "about:blank", "browserContextId": context });
        let made = self.pipe.ask(None, "Target.createTarget", asked)?;
        let asked = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = self.pipe.ask(None, "Target.attachToTarget", asked)?;
        let session = attached["sessionId"].as_str().context("no session of a window")?.to_owned();
        let tab = Tab { pipe: Arc::clone(&self.pipe), session, context: context.to_owned() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.ask(&format!("{domain}.enable"), json!({}))?;
        }
        tab.size(size)?;
        Ok(tab)
    }
}

impl Tab {
    /// One command of the protocol.
    ///
    /// # Errors
    /// Where the browser says no.
    pub fn ask(&self, method: &str, asked: Value) -> Result<Value> {
        self.pipe.ask(Some(&self.session), method, asked)
    }

    /// # Errors
    /// Where the browser says no.
    pub fn size(&self, (width, height, ratio): Size) -> Result<()> {
        let asked =
            json!({ "width": width, "height": height, "deviceScaleFactor": ratio, "mobile": width < 500 });
        self.ask("Emulation.setDeviceMetricsOverride", asked).map(drop)
    }

    /// # Errors
    /// Where the browser says no.
    pub fn light(&self, light: bool) -> Result<()> {
        let value = if light { "light" } else { "dark" };
        let asked = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.ask("Emulation.setEmulatedMedia", asked).map(drop)
    }

    /// A line of so many bytes a second and so much delay; `None`: as it is.
    ///
    /// # Errors
    /// Where the browser says no.
    pub fn throttle(&self, line: Option<(f64, f64)>) -> Result<()> {
        let (rate, delay) = line.unwrap_or((-1.0, 0.0));
        self.line(false, rate, delay)
    }

    /// # Errors
    /// Where the browser says no.
    pub fn cut(&self, cut: bool) -> Result<()> {
        self.line(cut, -1.0, 0.0)
    }

    fn line(&self, offline: bool, rate: f64, delay: f64) -> Result<()> {
        let asked = json!({ "offline": offline, "latency": delay, "downloadThroughput": rate, "uploadThroughput": rate });
        self.ask("Network.emulateNetworkConditions", asked).map(drop)
    }

    /// Runs in every page that is opened from now on, before anything of it.
    ///
    /// # Errors
    /// Where the browser says no.
    pub fn before_each_page(&self, script: &str) -> Result<()> {
        self.ask("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).map(drop)
    }

    /// # Errors
    /// Where there is no such page.
    pub fn go(&self, address: &str) -> Result<()> {
        let answer = self.ask("Page.navigate", json!({ "url": address }))?;
        if let Some(what) = answer["errorText"].as_str() {
            bail!("{address}: {what}");
        }
        self.wait("document.readyState === 'complete'", "the page is there").map(drop)
    }

    /// # Errors
    /// Where the browser says no.
    pub fn reload(&self) -> Result<()> {
        self.run("window.before_reload = true")?;
        self.ask("Page.reload", json!({}))?;
        self.wait("!window.before_reload && document.readyState === 'complete'", "the page again").map(drop)
    }

    /// What an expression of JavaScript gives.
    ///
    /// # Errors
    /// Where it throws.
    pub fn run(&self, script: &str) -> Result<Value> {
        let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": false });
        let answer = self.ask("Runtime.evaluate", asked)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("{script}: {thrown}");
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression gives something.
    ///
    /// # Errors
    /// Where it does not; what the page shows is told.
    pub fn wait(&self, script: &str, what: &str) -> Result<Value> {
        let since = Instant::now();
        loop {
            // While a page is being left nothing can be asked.
            let found = self.run(script).unwrap_or(Value::Null);
            let is = !(found.is_null() || found == false || found == 0 || found == "");
            if is {
                return Ok(found);
            }
            if since.elapsed() > PATIENCE {
                let shown = self.run("document.body.innerText").unwrap_or_default();
                bail!(
                    "{what}: it never came. The page shows:\n{}\n{:?}",
                    shown.as_str().unwrap_or("nothing"),
                    self.complaints()
                );
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until the page shows these words.
    ///
    /// # Errors
    /// Where they do not come.
    pub fn sees(&self, words: &str) -> Result<()> {
        let asked = format!("document.body.innerText.includes({})", json!(words));
        self.wait(&asked, &format!("{words:?} on the page")).map(drop)
    }

    /// # Errors
    /// Where the browser says no.
    pub fn shows(&self, words: &str) -> Result<bool> {
        Ok(self.run(&format!("document.body.innerText.includes({})", json!(words)))? == true)
    }

    /// Presses what can be pressed and has this name, as a hand does: at its middle.
    ///
    /// # Errors
    /// Where it is not there or cannot be pressed.
    pub fn press(&self, name: &str) -> Result<()> {
        let find = format!("{FIND}({})", json!(name));
        self.press_at(&find, name)
    }

    /// Presses the first element of a selector.
    ///
    /// # Errors
    /// Where it is not there or cannot be pressed.
    pub fn press_on(&self, selector: &str) -> Result<()> {
        self.press_at(&format!("document.querySelector({})", json!(selector)), selector)
    }

    fn press_at(&self, find: &str, what: &str) -> Result<()> {
        let script = format!(
            "(() => {{ const it = {find}; if (!it || it.disabled) return null; it.scrollIntoView({{ block: 'center', behavior: 'instant' }}); const at = it.getBoundingClientRect(); \
             return at.width ? [at.x + at.width / 2, at.y + at.height / 2] : null; }})()"
        );
        let at = self.wait(&script, &format!("{what:?} to press"))?;
        let at = |index: usize| at[index].as_f64().unwrap_or_default();
        self.mouse(at(0), at(1))
    }

    /// # Errors
    /// Where the browser says no.
    pub fn mouse(&self, x: f64, y: f64) -> Result<()> {
        for kind in ["mousePressed", "mouseReleased"] {
            let asked =
                json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", asked)?;
        }
        Ok(())
    }

    /// From one place to another with the button held.
    ///
    /// # Errors
    /// Where the browser says no.
    pub fn drag(&self, (x, y): (f64, f64), to_x: f64) -> Result<()> {
        let steps = [
            ("mousePressed", x),
            ("mouseMoved", f64::midpoint(x, to_x)),
            ("mouseMoved", to_x),
            ("mouseReleased", to_x),
        ];
        for (kind, x) in steps {
            let asked =
                json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", asked)?;
        }
        Ok(())
    }

    /// Into what has the keyboard.
    ///
    /// # Errors
    /// Where the browser says no.
    pub fn write(&self, words: &str) -> Result<()> {
        self.ask("Input.insertText", json!({ "text": words })).map(drop)
    }

    /// Into the field of this selector, after what stands there.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn fill(&self, selector: &str, words: &str) -> Result<()> {
        self.wait(&format!("!!document.querySelector({})", json!(selector)), selector)?;
        self.run(&format!("document.querySelector({}).focus()", json!(selector)))?;
        self.write(words)
    }

    /// A key by its name: "Enter", "Tab", " ", "n".
    ///
    /// # Errors
    /// Where the browser says no.
    pub fn key(&self, name: &str) -> Result<()> {
        let text = match name {
            "Enter" => "\r",
            one if one.chars().count() == 1 => one,
            _ => "",
        };
        let code = match name {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            " " => 32,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let mut asked = json!({ "type": kind, "key": name, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                asked["text"] = text.into();
            }
            self.ask("Input.dispatchKeyEvent", asked)?;
        }
        Ok(())
    }

    /// A picture of what is in sight.
    ///
    /// # Errors
    /// Where the browser says no, or the file cannot be written.
    pub fn picture(&self, to: &Path) -> Result<()> {
        let answer = self.ask("Page.captureScreenshot", json!({ "format": "png" }))?;
        let text = answer["data"].as_str().context("no picture came")?;
        std::fs::write(to, unbase64(text)?).with_context(|| format!("writing {}", to.display()))
    }

    /// What went wrong in the page by itself: errors that nobody caught, what its policy refused.
    pub fn complaints(&self) -> Vec<String> {
        self.pipe.complaints(&self.session)
    }
}

/// What can be pressed, is in sight and bears a name: as a screen reader would say it, or as it is written.
const FIND: &str = "((name) => [...document.querySelectorAll('button, a, [role=radio], label, summary, option')].filter((it) => it.getClientRects().length \
    && !(document.querySelector('dialog[open]') && !it.closest('dialog[open]'))) \
    .find((it) => (it.getAttribute('aria-label') ?? it.innerText).trim().startsWith(name)))";

/// # Errors
/// Where it is none.
pub fn unbase64(text: &str) -> Result<Vec<u8>> {
    let value = |letter: u8| -> Result<u32> {
        Ok(u32::from(match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("not base64"),
        }))
    };
    let letters = text.trim_end_matches('=').as_bytes();
    ensure!(letters.len() % 4 != 1, "not base64");
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    for four in letters.chunks(4) {
        let mut bits = 0;
        for letter in four {
            bits = (bits << 6) | value(*letter)?;
        }
        bits <<= 6 * (4 - four.len());
        bytes.extend(bits.to_be_bytes()[1..four.len()].iter());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::unbase64;

    #[test]
    fn base64_is_read_as_the_rfc_writes_it() {
        for (text, said) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(unbase64(text).expect("it is base64"), said.as_bytes());
        }
        assert!(unbase64("a").is_err() && unbase64("ab!d").is_err());
    }
}
