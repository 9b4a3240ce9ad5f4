package lograte

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// logged writes lines with a manual clock and has the output.
type logged struct {
	strings.Builder
	h  slog.Handler
	at time.Time
}

func newLogged() *logged {
	l := &logged{at: time.Unix(1_000_000, 0)}
	l.h = New(slog.NewTextHandler(&l.Builder, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return l
}

func (l *logged) warn(text string, attrs ...slog.Attr) { l.log(slog.LevelWarn, text, attrs...) }

func (l *logged) log(level slog.Level, text string, attrs ...slog.Attr) {
	r := slog.NewRecord(l.at, level, text, 0)
	r.AddAttrs(attrs...)
	_ = l.h.Handle(context.Background(), r)
}

func (l *logged) lines() []string {
	out := strings.Split(strings.TrimSpace(l.String()), "\n")
	l.Reset()
	if out[0] == "" {
		return nil
	}
	return out
}

// TestLogLinesPerClientAreLimited checks that a client gets five lines a minute for each cause, and that the first line
// of the next minute has the number of suppressed ones. Other clients, other causes and the operator's lines are not
// limited (L-75).
func TestLogLinesPerClientAreLimited(t *testing.T) {
	l := newLogged()
	for range 1000 {
		l.warn("too many", slog.Int("uid", 1000))
	}
	if got := l.lines(); len(got) != 5 || got[4] != `level=WARN msg="too many" uid=1000` {
		t.Errorf("L-75: %d lines of 1000, the last %q", len(got), got[len(got)-1])
	}
	l.warn("too many", slog.Int("uid", 1001))
	l.warn("refused", slog.Int("uid", 1000))
	l.warn("too many", slog.String("client", "192.0.2.1"))
	for range 20 {
		l.warn("the disk is full")
	}
	if got := l.lines(); len(got) != 23 {
		t.Errorf("L-75: %d lines of others, want 23: %q", len(got), got)
	}
	l.at = l.at.Add(time.Minute)
	l.warn("too many", slog.Int("uid", 1000))
	l.warn("too many", slog.Int("uid", 1000))
	if got := l.lines(); len(got) != 2 || got[0] != `level=WARN msg="too many" uid=1000 suppressed=995` ||
		strings.Contains(got[1], "suppressed") {
		t.Errorf("L-75: a minute later %q", got)
	}
	for range 2 * perWindow {
		l.warn("too many", slog.Int("uid", 1000))
	}
	l.lines()
	l.at = l.at.Add(-1)
	l.warn("too many", slog.Int("uid", 1000))
	if got := l.lines(); len(got) != 1 {
		t.Errorf("L-75: after the clock went back %q, want a line", got)
	}
}

// formatted counts how often it is formatted.
type formatted struct{ times int }

func (f *formatted) String() string { f.times++; return "text" }

// TestSuppressedLineFormatsOnlyClient checks that a suppressed line costs no formatting of its other attributes.
func TestSuppressedLineFormatsOnlyClient(t *testing.T) {
	l, f := newLogged(), &formatted{}
	for range 2 * perWindow {
		l.warn("too many", slog.Any("reason", f), slog.Int("uid", 1000), slog.Any("path", f))
	}
	check.Equal(t, f.times, 2*perWindow, "formatted attributes of the lines that were written")
}

// TestAddressesOfOneNetworkShareRate checks that the IPv6 addresses of a network of 64 bits are one client, however the
// line names them, and that IPv4 addresses and other networks are not (L-75).
func TestAddressesOfOneNetworkShareRate(t *testing.T) {
	l := newLogged()
	for i := range 9 {
		l.warn("too many", slog.String(Client, fmt.Sprintf("2001:db8:0:1::%x", i)))
		l.warn("too many", slog.String(Client, fmt.Sprintf("address 2001:db8:0:1:%x::1%%eth0", i)))
		l.warn("too many", slog.String(Client, fmt.Sprintf("2001:db8:0:%x::1", 2+i)))
		l.warn("too many", slog.String(Client, fmt.Sprintf("192.0.2.%d", i)))
	}
	if got := l.lines(); len(got) != perWindow+9+9 {
		t.Errorf("L-75: %d lines, want %d of one network, and one of each other client: %q", len(got), perWindow, got)
	}
}

// TestSubordinateUIDsShareRate checks that the subordinate uids of one user are one client (L-75).
func TestSubordinateUIDsShareRate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subuid")
	check.NoError(t, os.WriteFile(file, []byte("mallory:100000:65536\n"), 0o600))
	l := newLogged()
	l.h.(*Handler).counts.subids.Names = []string{file}
	for uid := range 9 {
		l.warn("refused", slog.Int("uid", 100000+uid))
		l.warn("refused", slog.Int("uid", 99000+uid))
		slog.New(l.h).With("uid", 110000+uid).Warn("refused by another logger")
	}
	check.Equal(t, len(l.lines()), perWindow+9+perWindow, "L-75: lines")
}

// TestLevelIsPartOfCause checks that lines of one text are limited for each level by themselves, and debug lines not at
// all (L-75).
func TestLevelIsPartOfCause(t *testing.T) {
	l := newLogged()
	for _, c := range []struct {
		level slog.Level
		want  int
	}{{slog.LevelDebug, 9}, {slog.LevelInfo, perWindow}, {slog.LevelWarn, perWindow}} {
		for range 9 {
			l.log(c.level, "refused", slog.Int("uid", 7))
		}
		if got := l.lines(); len(got) != c.want {
			t.Errorf("L-75: %d lines of level %v, want %d", len(got), c.level, c.want)
		}
	}
}

// TestCountsAreBounded checks that the number of counted clients is bounded. Clients beyond the bound share one rate
// (L-75).
//
// +checklocksignore: there is one goroutine
func TestCountsAreBounded(t *testing.T) {
	l := newLogged()
	for i := range 3 * maxKeys {
		l.warn("refused", slog.String(Client, fmt.Sprint(i)))
	}
	n := len(l.h.(*Handler).counts.of)
	if got := len(l.lines()); n != maxKeys+1 || got != maxKeys+perWindow {
		t.Errorf("L-75: %d are counted, %d lines, want %d, %d", n, got, maxKeys+1, maxKeys+perWindow)
	}
	l.at = l.at.Add(time.Minute - 1)
	l.warn("refused", slog.String(Client, "new"))
	if got := l.lines(); got != nil {
		t.Errorf("L-75: within the window %q, want no line", got)
	}
	l.at = l.at.Add(time.Second)
	l.warn("refused", slog.String(Client, "new"))
	if n := len(l.h.(*Handler).counts.of); n != 1 {
		t.Errorf("L-75: %d are counted after the window, want 1", n)
	}
}

// TestLoggerWithAttributesSharesRateLimit checks that a logger with the client among its own attributes has the same
// limit (L-75).
func TestLoggerWithAttributesSharesRateLimit(t *testing.T) {
	l := newLogged()
	log := slog.New(l.h).With("uid", 7).WithGroup("g")
	for range 9 {
		log.Warn("refused", "x", 1)
	}
	if got := l.lines(); len(got) != perWindow {
		t.Errorf("L-75: %d lines, want %d", len(got), perWindow)
	}
}

// TestClientOfALineReplacesThatOfTheLogger checks that a line counts for its own client, wherever its attribute is, and
// otherwise for the client that was given to the logger last.
func TestClientOfALineReplacesThatOfTheLogger(t *testing.T) {
	l := newLogged()
	log := slog.New(l.h).With("uid", 7)
	for uid := range 3 * perWindow {
		log.Warn("refused", "x", 1, "uid", uid)
		log.With("uid", uid).Warn("refused again")
	}
	if got := l.lines(); len(got) != 6*perWindow {
		t.Errorf("L-75: %d lines, two for each client, want %d", len(got), 6*perWindow)
	}
}
