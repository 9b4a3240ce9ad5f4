package main

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/test/check"
)

// The bar shows the progress, the remaining time if it is known, and the number of unreadable objects. For a second
// input it restarts.
func TestProgressBarShowsRemainingTime(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&streams{err: &out}, 200, false)
	b.show(bulk.Position{Objects: 1, Offset: 1})
	b.clear()
	check.RequireThat(t, !b.on && out.Len() == 0,
		"a bar was drawn although standard error is not a terminal: %q, want none", out.String())
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
		check.That(t, ok && regexp.MustCompile(c.want).MatchString(text), "%+v: drew %q, want %s", c.p, out.String(), c.want)
	}
	b.begun = time.Now().Add(-100 * time.Second)
	out.Reset()
	b.show(bulk.Position{Objects: 100_000, Offset: 150})
	m := regexp.MustCompile(` 100000 objects, (\d+) a second, (\S+) left$`).FindStringSubmatch(out.String())
	check.RequireThat(t, m != nil, "bar after 100 seconds: %q, want objects, rate and remaining time", out.String())
	// 50 bytes of the second input took 100 seconds, and another 50 are left.
	rate, _ := strconv.Atoi(m[1])
	if left, err := time.ParseDuration(m[2]); err != nil || left < 100*time.Second || left > 150*time.Second ||
		rate > 1000 || rate < 600 {
		t.Errorf("bar after 100 seconds: %q, want 100 to 150 seconds left", out.String())
	}
	out.Reset()
	b.clear()
	check.That(t, out.String() == "\r\x1b[K", "clear wrote %q, want an empty line", out.String())
	b = newBar(&streams{err: &out}, 0, false)
	b.on = true
	out.Reset()
	b.show(bulk.Position{Objects: 3, Offset: 50})
	check.That(t, regexp.MustCompile(`^\r\x1b\[K3 objects, \d+ a second$`).MatchString(out.String()),
		"bar of an input of unknown size: %q, want no remaining time", out.String())
	out.Reset()
	w := b.over(&out)
	for range 2 {
		if n, err := w.Write([]byte("row")); n != 3 || err != nil {
			t.Errorf("Write = %d, %v, want 3, nil", n, err)
		}
	}
	if want := "\r\x1b[Krowrow"; out.String() != want {
		t.Errorf("rows over a bar: %q, want %q", out.String(), want)
	}
}

// TestBarNeedsFreeTerminal checks that the bar is not shown between rows on a terminal, and is shown if the rows go
// to a pipe or a file.
func TestBarNeedsFreeTerminal(t *testing.T) {
	for _, c := range []struct {
		o    output
		rows int // width of the terminal for rows; 0: a pipe
		want bool
	}{{output{}, 0, true}, {output{}, 80, false}, {output{out: "file"}, 80, true}, {output{quiet: true}, 0, false}} {
		c.o.std = &streams{err: messages(io.Discard, 80), width: c.rows}
		_, b, end := c.o.begin(1)
		check.Equal(t, b.on, c.want, "bar with output to %q, quiet %t, and %d columns", c.o.out, c.o.quiet, c.rows)
		var err error
		end(&err)
		check.NoError(t, err)
	}
}
