package stages

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

func oneSite(t testing.TB) (*site.Site, site.Part) {
	t.Helper()
	s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}, Parts: 2})
	check.NoError(t, err)
	return s, site.Part{Host: "a", Tree: "/srv", Number: s.PartOf("/srv/plan")}
}

// TestWatcherMessageIsChecked checks that a watcher's message survives encoding and parsing under its host's name, and
// that a message with anything outside its part is rejected (N-51).
func TestWatcherMessageIsChecked(t *testing.T) {
	s, p := oneSite(t)
	m := seen{Run: "r", Started: 1, Begin: true}
	m.add(&watch.Seen{Path: "/srv/plan", Folder: true, Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")},
		map[string]int{})
	body := check.Must(json.Marshal(&m))
	_, b, err := parseSeen(s, p, body)
	check.That(t, err == nil && len(b.Seen) == 1 && b.Begin && b.Tree == "//a/srv" && b.Seen[0].Path == "//a/srv/plan",
		"%+v: %v", b, err)
	for _, c := range []struct{ from, to, because string }{
		{`"run":"r"`, `"run":""`, "run"},
		{`"started":1`, `"started":0`, "run"},
		{`"begin"`, `"begins"`, "begins"},
		{`L3Nydi9wbGFu`, `L2V0Yy9wYXNzd2Q=`, "below"},      // /etc/passwd
		{`L3Nydi9wbGFu`, `L3Nydi8uLi9ldGM=`, "below"},      // /srv/../etc
		{`L3Nydi9wbGFu`, `L3NydjI=`, "below"},              // /srv2
		{`L3Nydi9wbGFu`, ``, "below"},                      // ""
		{`L3Nydi9wbGFu`, `L3Nydi8A`, "zero byte"},          // "/srv/\x00"
		{`L3Nydi9wbGFu`, otherPart(s, p.Number), "part"},   // of another part
		{`"descriptor":1`, `"descriptor":2`, "descriptor"}, // there is one
		{`"descriptor":1`, `"descriptor":-1`, "descriptor"},
		{`"descriptor":1`, `"search":2`, "search permission 2 of 1"}, // there is one descriptor
		{`"descriptor":1`, `"search":-1`, "search permission"},
		{`"descriptors":["`, `"descriptors":["AAAA`, "descriptor 1"},
		{`}]}`, `}]}}`, ""},
	} {
		text := strings.Replace(string(body), c.from, c.to, 1)
		check.RequireThat(t, text != string(body), "%s does not stand in %s", c.from, body)
		if _, _, err := parseSeen(s, p, []byte(text)); err == nil || !strings.Contains(err.Error(), c.because) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// otherPart returns a path of another part, in base64.
func otherPart(s *site.Site, part int) string {
	for _, at := range []string{"/srv/a", "/srv/b", "/srv/c", "/srv/d", "/srv/e", "/srv/f"} {
		if s.PartOf(at) != part {
			b, _ := json.Marshal([]byte(at))
			return strings.Trim(string(b), `"`)
		}
	}
	return ""
}

// FuzzMessages checks that no message makes the parsers panic, and that a parsed message belongs to its part.
func FuzzMessages(f *testing.F) {
	s, p := oneSite(f)
	f.Add([]byte(`{"run":"r","started":1,"begin":true,"documents":[{"path":"L3Nydi9wbGFu","gone":true}]}`))
	f.Add([]byte(`{"run":"r","started":1,"end":true,"beat":{"time":1,"up":2,"boot":"x"},"descriptors":["AQAEgA=="]}`))
	f.Add([]byte("{\"generation\":1,\"worker\":\"w\",\"cursor\":5,\"whole\":true}\n{\"seq\":1,\"time\":1,\"gone\":\"x\"}"))
	f.Add([]byte(`{"generation":1,"log":2,"cursor":3,"beat":{"time":1},"version":"v"}`))
	f.Add([]byte(`{"started":1,"version":"` + strings.Repeat("a", 64) +
		`","name":"0123456789abcdef","pieces":1,"beat":{"time":1}}`))
	f.Add([]byte(`{"generation":1,"generation":2,"worker":"w"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, batch, err := parseSeen(s, p, b); err == nil {
			for _, x := range batch.Seen {
				check.That(t, strings.HasPrefix(x.Path+"/", "//a/srv/"),
					`a document %q: x.Path+"/" = %q, want text starting with "//a/srv/"`, x.Path, x.Path+"/")
			}
		}
		if r, err := parseRecord(b); err == nil && r.Generation == 0 {
			t.Error("a record without a generation")
		}
		if x, err := parseWatermark(b); err == nil && x.Beat.Time <= 0 {
			t.Error("parseWatermark accepts a watermark without a heartbeat, want an error")
		}
		if h, err := parseHead(b); err == nil && (h.Pieces < 1 || h.Pieces > maxPieces) {
			t.Errorf("a directory of %d pieces", h.Pieces)
		}
		_, _ = walkOf(&message{Signed: site.Signed{Body: b}})
	})
}
