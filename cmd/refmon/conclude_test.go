package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
)

// sevenObjects is a run over seven objects, of which what changes says.
func sevenObjects(changes func(*bulk.Summary)) bulk.Summary {
	s := bulk.Summary{Position: bulk.Position{Objects: 7}}
	changes(&s)
	return s
}

// TestConclude: what a run left out is said with its own numbers, and what was not
// answered is no success.
func TestConclude(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		sum  bulk.Summary
		err  error
		want error
		says string // after "refmon: "; "" for nothing
	}{
		{"all well", sevenObjects(func(*bulk.Summary) {}), nil, nil, ""},
		{"nothing there", bulk.Summary{}, nil, nil, "there are no objects"},
		{"a changed file", sevenObjects(func(s *bulk.Summary) { s.Stale, s.FirstStale = 2, "/srv/\x1bx" }), nil, nil,
			"of 2 of 7 objects the POSIX permissions were changed behind the server's back (hash mismatch): they count " +
				"instead of the attribute, as on the server; the first: /srv/\ufffdx"},
		{"no list", sevenObjects(func(s *bulk.Summary) { s.NoDACL = 3 }), nil, nil,
			"3 of 7 descriptors have no D: part: no DACL limits access to their objects"},
		{"one type", sevenObjects(func(s *bulk.Summary) { s.Typed, s.TypedEntries = 1, 1 }), nil, nil,
			"1 object entry of 1 object were not considered: --object-type asks about one type, and so do rights such " +
				"as AddMember and WP:member"},
		{"types", sevenObjects(func(s *bulk.Summary) { s.Typed, s.TypedEntries = 2, 5 }), nil, nil,
			"5 object entries of 2 objects were not considered: --object-type asks about one type, and so do rights " +
				"such as AddMember and WP:member"},
		{"no account", sevenObjects(func(s *bulk.Summary) { s.Unmapped, s.FirstUnmapped = 4, "S-1-22-1-7" }), nil, nil,
			"4 objects name accounts of the server that the directory file does not have, such as S-1-22-1-7: give " +
				"its users uid and its groups gid"},
		{"hashes", sevenObjects(func(s *bulk.Summary) { s.Unverified = 6 }), nil, nil,
			"6 of 7 objects have a hash that only their server can verify: their attributes were taken as they are"},
		{"unreadable", sevenObjects(func(s *bulk.Summary) { s.Unreadable, s.FirstError = 2, errors.New("/a\x1b: cut") }), nil,
			errReported, "2 of 7 objects could not be read: look for \"error\" in the output; the first: /a\ufffd: cut"},
		{"stopped", sevenObjects(func(s *bulk.Summary) { s.Unreadable, s.FirstError = 1, broken }),
			fmt.Errorf("in a worker: %w", context.Canceled), errReported,
			"interrupted: the output is complete for the first 7 objects and lacks the rest"},
		{"failed", sevenObjects(func(s *bulk.Summary) { s.Unreadable, s.FirstError = 1, errReported }), broken, broken, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var errs bytes.Buffer
			err := conclude(&streams{err: &errs}, c.sum, c.err)
			says := ""
			if c.says != "" {
				says = "refmon: " + c.says + "\n"
			}
			if !errors.Is(err, c.want) || errs.String() != says {
				t.Errorf("got %v, want %v\nsaid %q\nwant %q", err, c.want, errs.String(), says)
			}
		})
	}
}

// TestConcludeDiff does the same for a comparison of two states.
func TestConcludeDiff(t *testing.T) {
	broken := errors.New("broken")
	changed := func(o *bulk.Outcome) { o.Changed, o.Changes = 3, 9 }
	for _, c := range []struct {
		name    string
		changes func(*bulk.Outcome)
		err     error
		want    error
		says    string
	}{
		{"alike", func(*bulk.Outcome) {}, nil, nil, ""},
		{"changed", changed, nil, errDenied, "3 of 7 objects changed for at least one user"},
		{"unreadable, too", func(o *bulk.Outcome) { changed(o); o.Unreadable, o.FirstError = 2, broken }, nil, errReported,
			"2 objects could not be read and were not compared; the first: broken"},
		{"stopped early", func(o *bulk.Outcome) { changed(o); o.Compared = false }, context.Canceled, errReported,
			"interrupted while the first state was read: nothing was compared"},
		{"stopped late", changed, context.Canceled, errReported, "interrupted: the output is complete for the first 7 " +
			"objects of the second state, and lacks the rest and what only the first state has"},
		{"failed", changed, broken, broken, ""},
		{"remarks", func(o *bulk.Outcome) { o.NoDACL = 1 }, nil, nil,
			"1 of 7 descriptors have no D: part: no DACL limits access to their objects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var errs bytes.Buffer
			out := bulk.Outcome{Summary: sevenObjects(func(*bulk.Summary) {}), Compared: true}
			c.changes(&out)
			err := concludeDiff(&streams{err: &errs}, &out, c.err)
			says := ""
			if c.says != "" {
				says = "refmon: " + c.says + "\n"
			}
			if !errors.Is(err, c.want) || errs.String() != says {
				t.Errorf("got %v, want %v\nsaid %q\nwant %q", err, c.want, errs.String(), says)
			}
		})
	}
}

// TestCountNote: each note has its own number, and the first changed file its name.
func TestCountNote(t *testing.T) {
	var sum bulk.Summary
	for i, n := range []objects.Note{objects.NoteUnverified, objects.NoteStale, objects.NoteNoDACL, 0, objects.NoteStale,
		objects.NoteNoDACL, objects.NoteStale} {
		countNote(&sum, &objects.Item{Path: fmt.Sprint("/", i), Note: n})
	}
	want := bulk.Summary{Position: bulk.Position{Stale: 3, Unverified: 1, NoDACL: 2}, FirstStale: "/1"}
	if sum != want {
		t.Errorf("got %+v, want %+v", sum, want)
	}
}

// TestBar: the bar tells how far the run has come, the time that is left once it is
// known, and what could not be read; a second input begins anew.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&streams{err: &out}, 200, false)
	b.show(bulk.Position{Objects: 1, Offset: 1})
	b.clear()
	if b.on || out.Len() != 0 {
		t.Fatalf("standard error is no terminal, and a bar was drawn: %q", out.String())
	}
	b.on = true
	for _, c := range []struct {
		p    bulk.Position
		want string
	}{
		{bulk.Position{}, `^0 objects, \d+ a second$`},
		{bulk.Position{Objects: 3, Offset: 50}, `^\[={6} {18}\]  25 %  3 objects, \d+ a second, [0-9hms]+ left$`},
		{bulk.Position{Objects: 5, Offset: 200, Unreadable: 4},
			`^\[={24}\] 100 %  5 objects, \d+ a second, 0s left, 4 unreadable$`},
		{bulk.Position{Objects: 2, Offset: 100}, `^\[={12} {12}\]  50 %  2 objects, \d+ a second, … left$`},
		{bulk.Position{Objects: 2, Offset: 150}, `^\[={18} {6}\]  75 %  2 objects, \d+ a second, [0-9hms]+ left$`},
		{bulk.Position{Objects: 9, Offset: 400}, `^\[={24}\] 200 %`}, // a file that has grown
	} {
		out.Reset()
		b.show(c.p)
		text, ok := strings.CutPrefix(out.String(), "\r\x1b[K")
		if !ok || !regexp.MustCompile(c.want).MatchString(text) {
			t.Errorf("%+v: drew %q, want %s", c.p, out.String(), c.want)
		}
	}
	b.begun = time.Now().Add(-100 * time.Second)
	out.Reset()
	b.show(bulk.Position{Objects: 100_000, Offset: 150})
	m := regexp.MustCompile(` 100000 objects, (\d+) a second, (\S+) left$`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("after 100 seconds: %q", out.String())
	}
	// 50 bytes of the second input took 100 seconds, and another 50 are left.
	rate, _ := strconv.Atoi(m[1])
	if left, err := time.ParseDuration(m[2]); err != nil || left < 100*time.Second || left > 150*time.Second ||
		rate > 1000 || rate < 600 {
		t.Errorf("after 100 seconds: %q", out.String())
	}
	out.Reset()
	b.clear()
	if out.String() != "\r\x1b[K" {
		t.Errorf("clear wrote %q", out.String())
	}
	b = newBar(&streams{err: &out}, 0, false)
	b.on = true
	out.Reset()
	b.show(bulk.Position{Objects: 3, Offset: 50})
	if !regexp.MustCompile(`^\r\x1b\[K3 objects, \d+ a second$`).MatchString(out.String()) {
		t.Errorf("of an input of unknown size: %q", out.String())
	}
}

// TestColourIsOfCells: what was granted or denied has a colour, and words of an entry that
// read alike have none (U-111).
func TestColourIsOfCells(t *testing.T) {
	const entry = `(XA;;CC;;;WD;(@USER.x == " granted  + and - denied "))`
	ask := func(std *streams, args ...string) string {
		var out strings.Builder
		std.in, std.out, std.err = strings.NewReader(""), &out, &out
		run(append([]string{"why", "O:BAG:SYD:" + entry + "(A;;0x2;;;WD)", "-t", "user"}, args...), std)
		return out.String()
	}
	plain := ask(&streams{}, "-w", "0x3")
	got := ask(&streams{}, "-w", "0x3", "--color", "always")
	if strings.NewReplacer(green, "", red, "", bold, "", reset, "").Replace(got) != plain || plain == got {
		t.Errorf("colours change the text:\n%s\n%s", plain, got)
	}
	for _, want := range []string{entry, green + "+" + reset, red + "denied" + reset,
		green + "granted" + reset, bold + red + "DENIED STATUS_ACCESS_DENIED: FILE_READ_DATA by NoAce" + reset} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%q", want, got)
		}
	}
	if got := ask(&streams{colour: true}, "-w", "0x3", "--color=never"); got != plain {
		t.Errorf("--color=never: %q", got)
	}
	if got := ask(&streams{colour: true}, "-w", "0x2"); !strings.HasPrefix(got, bold+green+"GRANTED 0x2") {
		t.Errorf("granted: %q", got)
	}
}

// TestColoursAreAlike: check's status and mask and the lines of audit have the colours of
// the other verbs, and the text is the same without them (U-114).
func TestColoursAreAlike(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail")
	ask := func(colour bool, args ...string) string {
		var out strings.Builder
		run(args, &streams{in: strings.NewReader(""), out: &out, err: &out, colour: colour})
		return out.String()
	}
	ask(false, "run", "--audit", dir, "../../examples/audit.star")
	uncoloured := strings.NewReplacer(green, "", red, "", bold, "", reset, "")
	for _, c := range []struct {
		args string
		want []string
	}{
		{"check O:BAG:SYD:(A;;0x1;;;WD) -t user -w 0x1",
			[]string{green + "STATUS_SUCCESS" + reset + " granted " + green + "0x00000001" + reset}},
		{"check O:BAG:SYD:(A;;0x1;;;WD) -t user -w 0x2",
			[]string{red + "STATUS_ACCESS_DENIED" + reset + " granted 0x00000000\n"}},
		{"audit query " + dir, []string{
			red + "DENIED" + reset + " ", " for " + red + "WriteData" + reset, " for " + green + "ReadData" + reset}},
		{"audit tail --no-follow -n 1000 " + dir, []string{
			red + "DENIED" + reset + " ", " for " + green + "ReadData" + reset}},
	} {
		got := ask(true, strings.Fields(c.args)...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is missing in\n%q", c.args, want, got)
			}
		}
		if plain := ask(false, strings.Fields(c.args)...); uncoloured.Replace(got) != plain {
			t.Errorf("%s: colours change the text:\n%s\n%s", c.args, plain, got)
		}
	}
}

// TestAnotherVerb: what another verb takes is told with that verb, as it is to be typed (U-115).
func TestAnotherVerb(t *testing.T) {
	dir := t.TempDir()
	listing := filepath.Join(dir, "ad.ldif")
	if err := os.WriteFile(listing, []byte(strings.Repeat("dn: DC=corp\n", 30)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, c := range []struct {
		args, want string
		lines      int
	}{
		{"why /srv/plan -t user -w read", "refmon access /srv/plan --as USER --want read", 1},
		{"check ad.ldif -t user -w FR", "refmon access ad.ldif --as USER --want FR", 1},
		{"lint " + dir, "refmon acl export " + dir + " -r | refmon lint -", 1},
		{"lint ad.ldif", "refmon acl export -o ad.ldif | refmon lint -", 12},
		{"who-can read -d /etc/passwd --share projects .", "smb.conf:projects", 1},
		{"who-can read .", "/etc/passwd", 1},
	} {
		var out strings.Builder
		code := run(strings.Fields(c.args), &streams{in: strings.NewReader(""), out: &out, err: &out})
		if code != 2 || !strings.Contains(out.String(), c.want) || strings.Count(out.String(), "\n") != c.lines {
			t.Errorf("%s: code %d\n%s", c.args, code, out.String())
		}
	}
}
