//! Words of others stay words, nothing runs that is not the page's own, other sites get nothing, and the address keeps no secret.

use deadwax_tests::browser;
use serde_json::json;

use super::world::{one_mix, unharmed, world};

const HOSTILE: [&str; 4] = [
    "<img src=x onerror=\"window.harmed=1\">",
    "</script><script>window.harmed=1</script>",
    "\"><svg onload=window.harmed=1>",
    "{{constructor.constructor('window.harmed=1')()}}",
];

#[test]
fn hostile_words_stay_words_and_nothing_else_runs() {
    let Some(world) = world(&one_mix()) else { return };
    let on = &world.on;
    for words in HOSTILE {
        on.cast.artist.verb(["note", words, "--at", "0:02"]).unwrap();
    }
    on.cast.owner.verb(["song", "add", HOSTILE[0]]).unwrap();
    let tab = world.enter(&on.cast.label, browser::DESKTOP);
    world.open_song(&tab);
    for words in HOSTILE {
        tab.sees(words).unwrap();
    }
    tab.press_on(".rail li:nth-child(2) a").unwrap();
    tab.wait(&format!("document.querySelector('h1').innerText === {}", json!(HOSTILE[0])), "its own page")
        .unwrap();
    assert_eq!(tab.run("document.title.includes('onerror')").unwrap(), true);
    unharmed(&tab);

    // Whatever got in all the same would not run, load or send.
    for script in [
        "(() => { const s = document.createElement('script'); s.textContent = 'window.harmed = 1'; document.body.append(s); })()",
        "(() => { const i = document.createElement('div'); i.innerHTML = '<img src=x onerror=\"window.harmed=1\">'; document.body.append(i); })()",
        "(() => { const a = document.createElement('a'); a.href = 'javascript:window.harmed=1'; document.body.append(a); a.click(); })()",
        "(() => { const f = document.createElement('iframe'); f.srcdoc = '<script>parent.harmed=1</script>'; document.body.append(f); })()",
    ] {
        tab.run(script).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(tab.run("window.harmed ?? 'no'").unwrap() == "no", "something ran");
    assert_eq!(tab.run("fetch('https://127.0.0.1:9/').then(() => 'sent', () => 'no')").unwrap(), "no");
    assert!(evaluated(&tab) == "no", "eval ran");
    assert!(
        tab.complaints().iter().any(|it| it.contains("Content Security Policy")),
        "{:?}",
        tab.complaints()
    );
    // No cookie, and no secret in what is kept of the address.
    assert_eq!(tab.run("document.cookie").unwrap(), "");
    let history = tab.ask("Page.getNavigationHistory", json!({})).unwrap();
    let entries = history["entries"].as_array().unwrap();
    assert!(
        entries.len() > 2 && entries.iter().all(|it| !it["url"].to_string().contains("dwx_")),
        "{history}"
    );
}

/// As a script of the page would: what tools may do is asked for to be left out.
fn evaluated(tab: &browser::Tab) -> serde_json::Value {
    let script = "(() => { try { return eval('1') } catch { return 'no' } })()";
    let asked = json!({ "expression": script, "returnByValue": true, "allowUnsafeEvalBlockedByCSP": false });
    tab.ask("Runtime.evaluate", asked).unwrap()["result"]["value"].clone()
}

/// A page of another site in the same browser can neither ask the studio nor frame it.
#[test]
fn another_site_gets_nothing() {
    let Some(world) = world(&[]) else { return };
    let tab = world.enter(&world.on.cast.label, browser::DESKTOP);
    let studio = world.address();
    let other = world.browser.beside(&tab, browser::DESKTOP).unwrap();
    // Another name of the same machine is another origin; its page is fetched and left for a blank one there.
    other.go(&studio.replace("127.0.0.1", "localhost")).unwrap();
    other.ask("Page.setBypassCSP", json!({ "enabled": true })).unwrap();
    other.reload().unwrap();
    for (kind, body) in [("application/grpc-web+proto", "new Uint8Array(5)"), ("text/plain", "'x'")] {
        let asked = format!(
            "fetch('{studio}/deadwax.v1.Sessions/GetServerInfo', {{ method: 'POST', headers: {{ 'content-type': '{kind}' }}, body: {body} }}).then((it) => 'read ' + it.status, () => 'no')"
        );
        assert_eq!(other.run(&asked).unwrap(), "no", "{kind}");
    }
    let framed = format!(
        "new Promise((done) => {{ const f = document.createElement('iframe'); f.src = '{studio}/'; f.onload = () => {{ try {{ done(f.contentDocument ? 'blank' : 'closed') }} catch {{ done('closed') }} }}; document.body.append(f); setTimeout(() => done('closed'), 3000); }})"
    );
    let seen = other.run(&framed).unwrap();
    assert!(seen == "closed" || seen == "blank", "{seen}");
    // At the studio itself: only what it offers is answered.
    for (path, method) in [("/page.html", "GET"), ("/x", "GET"), ("/", "POST"), ("/s", "PUT")] {
        let asked = format!(
            "fetch('{path}', {{ method: '{method}' }}).then(async (it) => (await it.text()).includes('<html'), () => false)"
        );
        assert_eq!(tab.run(&asked).unwrap(), false, "{method} {path}");
    }
    let head =
        tab.run("fetch('/').then((it) => [...it.headers].map((one) => one.join(': ')).join('\\n'))").unwrap();
    let head = head.as_str().unwrap();
    for said in [
        "content-security-policy: default-src 'none'",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        assert!(head.contains(said), "{said} in {head}");
    }
    assert!(!head.contains("access-control") && !head.contains("set-cookie"));
}
