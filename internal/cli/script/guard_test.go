package script

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A malicious program can be wrong in any way. It ends with an error that has a position, in bounded time and memory.
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name, source, want string
		stopped            bool
	}{
		{"steps", "def f():\n    while True:\n        pass\n\nf()\n",
			"Starlark computation cancelled: too many steps", false},
		{"doubling", "s = 'x'\nwhile True:\n    s = s + s\n", "more than 512 MiB of memory", false},
		{"a range taken at once", "list(range(1 << 62))", "p.star:1:11: range: more than 16777216 elements", false},
		{"recursion", "def f(n): return f(n)\nf(0)", "p.star:1:18: function f called recursively", false},
		{"nesting", "x = " + strings.Repeat("(", 100_000), "p.star:1:82: excessive nesting", false},
		{"a reference dropped twice",
			"p = process('a', token(user='BA'))\nk = kernel_mode(p.thread)\nt = " +
				"k.PsReferencePrimaryToken(Process=p).Token\nfor i in range(9):\n    k.PsDereferencePrimaryToken(PrimaryToken=t)\n",
			"p.star:5:32: PsDereferencePrimaryToken: ob: reference count of a Token fell below zero", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name == "doubling" {
				t.Skip("takes a gigabyte")
			}
			r := New(Config{Quiet: true})
			err := r.Run("p.star", []byte(c.source))
			check.That(t, err != nil && strings.Contains(err.Error(), c.want), "got %v, want %q", err, c.want)
			if errors.Is(err, ErrStopped) != c.stopped && c.name != "doubling" { // a step may be slow
				t.Errorf("stopped: got %v, want %v", !c.stopped, c.stopped)
			}
			err = r.Close()
			check.That(t, err == nil, "Close: %v, want no error", err)
			if c.stopped {
				check.ErrorIs(t, r.Run("again.star", []byte("1")), ErrStopped,
					"a second program ran on a kernel that stopped")
			}
		})
	}
}

// Lost output is an error.
func TestLostOutputIsAnError(t *testing.T) {
	r := New(Config{Output: fullDisk{}})
	err := r.Run("p.star", []byte("print('x')"))
	check.That(t, errors.Is(err, errFull), "got %v, want %v", err, errFull)
	check.NoError(t, r.Close())
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// Quiet prints failures only, as text and as JSON.
func TestQuietPrintsOnlyFailures(t *testing.T) {
	for _, json := range []bool{false, true} {
		var b strings.Builder
		r := New(Config{Output: &b, Quiet: true, JSON: json})
		err := r.Run("p.star", []byte(
			"step('a', 'I-1')\nprint('b')\np = process('c', token(user='BA'))\np.thread.NtClose(Handle=4)\nexpect(1, 2)\n"))
		check.That(t, errors.Is(err, ErrExpectation), "got %v, want %v", err, ErrExpectation)
		n := strings.Count(b.String(), "\n")
		check.That(t, n == 1, "json %v: %d lines, want the failure alone:\n%s", json, n, b.String())
		check.NoError(t, r.Close())
	}
}
