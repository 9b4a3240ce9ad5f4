//go:build unix

package playground

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// TestPlaygroundPageWorksInChromium packs the page and uses it in a headless Chromium, from a file. It is skipped
// without one, and without REFMON_DEEP=1. REFMON_CHROMIUM names a Chromium, and REFMON_SCREENSHOTS a folder for
// screenshots.
func TestPlaygroundPageWorksInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	randtest.SkipUnlessDeep(t, "it compiles the program for WebAssembly")
	b := startBrowser(t)
	page := filepath.Join(t.TempDir(), "index.html")
	pack := exec.Command("go", "run", "./web/playground/pack", "-o", page)
	pack.Dir = filepath.Join("..", "..")
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := (&url.URL{Scheme: "file", Path: page}).String()
	b.open(t, address)

	b.want(t, "the first example", `document.querySelector("#verdict strong").textContent`, "Denied")
	b.want(t, "its table",
		`[...document.querySelectorAll("#steps tbody tr:first-child td")].map(e => e.textContent).slice(0, 5).join("|")`,
		"DACL entry 1|(D;;FW;;;S-1-5-21-1-2-3-2001)|·|−|A-70")
	b.want(t, "its outcome",
		`[...document.querySelectorAll("#bits tbody tr")].map(e => e.cells[2].textContent).join("|")`, "skipped|denied")
	b.want(t, "and its reasons",
		`[...document.querySelectorAll("#bits tbody tr")].map(e => e.cells[3].textContent).join("|")`,
		"entry 1 of the DACL denies another right first|entry 1 of the DACL denies it")
	b.screenshot(t, "denied")

	b.eval(t, `document.querySelector("[data-rights=read]").click()`)
	b.want(t, "a button that asks for read", `document.querySelector("#verdict").className`, "verdict denied")
	b.eval(t, `sd.value = "O:BAG:SYD:(A;;FR;;;WD)"; sd.dispatchEvent(new Event("input", {bubbles: true}))`)
	b.want(t, "a descriptor typed in", `document.querySelector("#verdict").className`, "verdict granted")
	b.want(t, "which right", `document.querySelector("#verdict .mask").textContent`, "0x00120089")

	b.eval(t, `sd.value = "O:BAG:SYD:(A;;FR;;;ZZ)"; sd.dispatchEvent(new Event("input", {bubbles: true}))`)
	b.want(t, "the place of a mistake", `document.querySelector("[data-field=sd] mark").textContent`, "ZZ")
	b.want(t, "and where it is said to be", `document.querySelector("#sd-mistake button").textContent`, "byte 19")
	b.eval(t, `document.querySelector("#sd-mistake button").click()`)
	b.want(t, "which leads there", `sd.value.slice(sd.selectionStart, sd.selectionEnd)`, "ZZ")
	b.want(t, "mark and text lie on each other",
		`(() => { const m = document.querySelector("[data-field=sd] mark").getBoundingClientRect(),
			a = sd.getBoundingClientRect(); 
			return m.left > a.left &&
			m.right < a.right && m.bottom <= a.bottom })()`, true)
	b.screenshot(t, "mistake")

	b.eval(t, `sd.value = "O:BAG:SYD:(A;;FR;;;BA)"; sd.dispatchEvent(new Event("input", {bubbles: true}))`)
	b.until(t, "what would grant it",
		`!changes.hidden && changes.querySelector("li").textContent.includes("S-1-5-32-544")`)
	for _, width := range []int{1280, 420} {
		b.call(t, "Emulation.setDeviceMetricsOverride",
			map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
		b.eval(t, `dispatchEvent(new Event("resize"))`)
		b.screenshot(t, "width-"+strconv.Itoa(width))
		b.want(t, "no label lies on another", `[...document.querySelectorAll(".row label, .row small")].every((a, i, all) =>
			all.every(b => a === b || a.contains(b) || b.contains(a) || apart(a, b)));
			function apart(a, b) {
				const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
				return p.right <= q.left || q.right <= p.left || p.bottom <= q.top || q.bottom <= p.top;
			}`, true)
		b.want(t, "the page is no wider than its window", `document.documentElement.scrollWidth <= innerWidth`, true)
		b.want(t, "what goes on beyond an edge says so", `[...document.querySelectorAll(".scroll")].every(s =>
			s.previousElementSibling.hidden === (s.scrollWidth <= s.clientWidth + 1) &&
			s.classList.contains("right") === (s.scrollWidth > s.clientWidth + 1))`, true)
		b.want(t, "a table goes on at 420 only",
			`document.querySelector("#steps").parentElement.classList.contains("right")`, width == 420)
		b.eval(t, `document.querySelector("#steps").scrollIntoView()`)
		b.screenshot(t, "tables-"+strconv.Itoa(width))
		b.eval(t, `scrollTo(0, 0); rights.value = "raed"; rights.dispatchEvent(new Event("input", {bubbles: true}))`)
		b.screenshot(t, "wrong-right-"+strconv.Itoa(width))
		b.eval(t, `rights.value = "read"; rights.dispatchEvent(new Event("input", {bubbles: true}))`)
	}
	b.eval(t, `(b => {
		b.dispatchEvent(new PointerEvent("pointerenter", {pointerType: "touch"}));
		b.click();
	})(document.querySelector(".rule button"))`)
	b.want(t, "a tap shows a rule", `tip.hidden`, false)
	b.eval(t, `document.body.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true, pointerType: "touch"}))`)
	b.want(t, "the next tap hides it", `tip.hidden`, true)
	b.call(t, "Emulation.clearDeviceMetricsOverride", nil, nil)

	const examples = `document.querySelectorAll("#example option").length`
	n, _ := b.eval(t, examples).(float64)
	for i := range int(n) - 2 { // all but "your own" and the one with mistakes
		b.eval(t, `example.selectedIndex = `+strconv.Itoa(i+1)+`; example.dispatchEvent(new Event("change"))`)
		b.want(t, "an example has an answer",
			`document.querySelectorAll("#steps tbody tr").length > 0 && !answer.hidden && example.value !== "own"`,
			true)
	}
	b.eval(t, `fill({sd: "O:BAG:SYD:(A;;GR;;;WD)", token: alice, rights: "GR", type: "nosuch"})`)
	b.want(t, "a link with an unknown type is a mistake",
		`document.querySelector("#type-mistake").textContent.slice(0, 28)`, `"nosuch" is not an object ty`)
	b.eval(t, `document.querySelector("#theme").click()`)
	b.screenshot(t, "other-theme")
	b.want(t, "it fits a small window", `document.documentElement.scrollWidth <= innerWidth`, true)

	b.eval(t, `example.selectedIndex = 1; example.dispatchEvent(new Event("change"));
		document.querySelector(".rule button").focus()`)
	b.want(t, "the sentence of a rule", `tip.hidden ? "" : tip.textContent.slice(0, 15)`, "An access check")
	b.want(t, "no error in the page", `document.documentElement.dataset.failed ?? "none"`, "none")
}

// browser is a Chromium controlled through two pipes in the DevTools protocol: JSON with a zero byte at the end.
type browser struct {
	in      *os.File
	replies chan reply
	id      int
	session string
}

type reply struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := os.Getenv("REFMON_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		t.Skip("no Chromium found: install it, or name it in REFMON_CHROMIUM")
	}
	toRead, in, err := os.Pipe()
	check.NoError(t, err)
	out, toWrite, err := os.Pipe()
	check.NoError(t, err)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1440,1000",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{toRead, toWrite} // 3 and 4
	if err := cmd.Start(); err != nil {
		t.Skipf("Chromium does not start: %v", err)
	}
	toRead.Close()
	toWrite.Close()
	b := &browser{in: in, replies: make(chan reply, 64)}
	go read(out, b.replies)
	t.Cleanup(func() { // by its own word, so that its folder is not in use
		b.id++
		_ = b.send("Browser.close", nil)
		timer := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		_ = cmd.Wait()
		in.Close()
	})
	return b
}

func read(out *os.File, to chan<- reply) {
	defer close(to)
	defer out.Close()
	r := bufio.NewReader(out)
	for {
		b, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m reply
		if json.Unmarshal(bytes.TrimSuffix(b, []byte{0}), &m) == nil && m.ID != 0 {
			to <- m
		}
	}
}

func (b *browser) send(method string, params any) error {
	m := map[string]any{"id": b.id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" && !strings.HasPrefix(method, "Browser.") {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = b.in.Write(append(text, 0))
	return err
}

// call sends a command and waits for its result.
func (b *browser) call(t *testing.T, method string, params, result any) {
	t.Helper()
	b.id++
	err := b.send(method, params)
	for err == nil {
		select {
		case r, ok := <-b.replies:
			switch {
			case !ok:
				err = errors.New("the browser has gone")
			case r.ID != b.id:
				continue
			case r.Error != nil:
				err = errors.New(r.Error.Message)
			default:
				if result != nil {
					err = json.Unmarshal(r.Result, result)
				}
				if err == nil {
					return
				}
			}
		case <-time.After(60 * time.Second):
			err = errors.New("no answer in a minute")
		}
	}
	t.Fatalf("%s: %v", method, err)
}

// open shows an address and waits for the page's first answer.
func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	var target struct{ TargetID string }
	b.call(t, "Target.createTarget", map[string]any{"url": address}, &target)
	var attached struct{ SessionID string }
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for range 600 {
		if b.eval(t,
			`Boolean(document.documentElement?.dataset.answered || document.documentElement?.dataset.failed)`) == true {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the page did not answer in 30 s")
}

// eval runs JavaScript and gives its value.
func (b *browser) eval(t *testing.T, script string) any {
	t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &r)
	check.RequireThat(t, r.ExceptionDetails == nil, "%s: %+v", script, r.ExceptionDetails)
	return r.Result.Value
}

func (b *browser) want(t *testing.T, what, script string, want any) {
	t.Helper()
	check.Equal(t, b.eval(t, script), want, "%s", what)
}

// until waits until a script gives true.
func (b *browser) until(t *testing.T, what, script string) {
	t.Helper()
	for range 600 {
		if b.eval(t, script) == true {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s: not in 30 s", what)
}

// screenshot stores a screenshot of the page, if REFMON_SCREENSHOTS is set.
func (b *browser) screenshot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("REFMON_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data []byte }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	check.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), shot.Data, 0o644))
}
