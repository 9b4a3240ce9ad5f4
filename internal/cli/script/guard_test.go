package script

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/test/check"
)

// TestHostileProgramEndsWithinLimits checks that a hostile program ends with an error that has a position, in bounded
// time and memory. The next program has the limits for itself.
func TestHostileProgramEndsWithinLimits(t *testing.T) {
	for _, c := range []struct {
		name, source, want string
		stopped            bool
	}{
		{"steps", "def f():\n    while True:\n        pass\n\nf()\n",
			"Starlark computation cancelled: too many steps", false},
		{"doubling", "s = 'x'\nwhile True:\n    s = s + s\n", "more than 512 MiB of memory", false},
		{"a range taken at once", "list(range(1 << 62))", "p.star:1:11: range: more than 16777216 elements", false},
		{"a range whose length overflows", "list(range(-(1 << 62), 1 << 62))",
			"p.star:1:11: range: more than 16777216 elements", false},
		{"a long list", "x = [0] * (1 << 30 - 1)", "p.star:1:9: the program takes more than 512 MiB of memory", false},
		{"a long tuple", "x = (0,)\nx *= 1 << 30 - 1", "p.star:2:3: the program takes more than 512 MiB of memory", false},
		{"a long text", "x = (1 << 29) * 'ab'", "p.star:1:15: the program takes more than 512 MiB of memory", false},
		{"long bytes", "x = b'ab' * (1 << 29)", "p.star:1:11: the program takes more than 512 MiB of memory", false},
		{"a long replacement", "x = ('a' * (1 << 20)).replace('a', 'b' * 1000)",
			"p.star:1:30: the program takes more than 512 MiB of memory", false},
		{"a long replacement by getattr", "x = getattr('a' * (1 << 20), 'replace')('', 'b' * 1000, -1)",
			"p.star:1:40: the program takes more than 512 MiB of memory", false},
		{"a long product", "x = int('f' * 140000, 16)\nx *= x", "p.star:2:3: a number of more than 1048576 bits", false},
		{"a long number", "x = int('9' * (1 << 26))", "p.star:1:8: a number of more than 1048576 bits", false},
		{"a long number by name", "x = int(base=16, x='f' * (1 << 26))",
			"p.star:1:8: a number of more than 1048576 bits", false},
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
			if !errors.Is(err, ErrStopped) {
				check.NoError(t, r.Run("next.star", []byte("x = 1\nexpect(x, 1)\n")))
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

// slowReader is an output whose reader stops for a minute.
type slowReader struct{}

func (slowReader) Write(b []byte) (int, error) {
	time.Sleep(time.Minute)
	return len(b), nil
}

// A step that does not end within half a minute stops the Runner, unless it may wait for the kernel of another program
// or for the reader of its output.
func TestEndlessStepEnds(t *testing.T) {
	wait := func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		time.Sleep(time.Minute)
		return starlark.None, nil
	}
	for name, c := range map[string]struct {
		source string
		ends   bool
		cfg    Config
	}{"a call": {"print('a' * 5000)\nwait()", true, Config{}},
		"output":         {"print('a' * 5000)", false, Config{Output: slowReader{}}},
		"another kernel": {"wait()", false, Config{Connect: func() (Connection, error) { return nil, errFull }}}} {
		synctest.Test(t, func(t *testing.T) {
			r := New(c.cfg)
			r.globals["wait"] = starlark.NewBuiltin("wait", wait)
			err := r.Run("p.star", []byte(c.source))
			again := r.Run("again.star", []byte("1"))
			check.That(t, errors.Is(err, errStep) == c.ends && errors.Is(err, ErrStopped) == c.ends &&
				errors.Is(again, ErrStopped) == c.ends, "%s: %v, again: %v", name, err, again)
			time.Sleep(time.Minute) // the step ends
			check.NoError(t, r.Close())
		})
	}
}

// The limit of a product changes no smaller product, and no error of the interpreter.
func TestProductLimitChangesNoSmallProduct(t *testing.T) {
	r := New(Config{Quiet: true})
	check.NoError(t, r.Run("p.star", []byte(`
def side(list):
    list.append(0)
    return 0

calls = []
x, y = 2, [[3], (1,)]
x *= 3 * x
y[side(calls)] *= 2
y[1] *= x
for got, want in [(x, 12), (y, [[3, 3], (1,) * 12]), (len(calls), 1), (2 * "ab", "abab"), (b"a" * 2, b"aa"),
                  (0.5 * 4, 2.0), ("aaa".replace("a", "bc", 2), "bcbca"), (getattr({}, "replace", 1), 1),
                  ([1] * -1, []), (1 << 400) * 2 == 1 << 401 and (1, 1),
                  (int("-12"), -12), (int("ff", base=16), 255), ((1 << 500) * -(1 << 500) < 0, True)]:
    expect(got, want)
`)))
	for source, want := range map[string]string{"1 * {}": "unknown binary op: int * dict",
		"[].replace": "list has no .replace field or method", "'a'.replace(1, 2)": "replace: for parameter 1: got int",
		"[1] * (1 << 40)": "repeat count 1099511627776 too large"} {
		err := r.Run("p.star", []byte(source))
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%s: got %v, want %q", source, err, want)
	}
	var b strings.Builder
	session := New(Config{Output: &b})
	err := session.Interact(strings.NewReader("[0] * (1 << 28)\nx = (0,) * (1 << 28)\n3 * 4\n"), "")
	check.That(t, err != nil && strings.Count(b.String(), "more than 512 MiB") == 2 &&
		strings.HasSuffix(b.String(), "12\n"), "session: %s, want two errors and 12", b.String())
	check.NoError(t, errors.Join(r.Close(), session.Close()))
}

// Lost output is an error.
func TestLostOutputIsAnError(t *testing.T) {
	r := New(Config{Output: fullDisk{}})
	for _, source := range []string{"print('x')", "expect(1, 2)"} {
		check.ErrorIs(t, r.Run("p.star", []byte(source)), errFull, "%s", source)
	}
	check.NoError(t, r.Close())
	var b strings.Builder
	err := New(Config{Output: &b}).Run("p.star", []byte("p = process('a', token(user='BA'))\nprint('x')\nk = kernel_mode("+
		"p.thread)\nt = k.PsReferencePrimaryToken(Process=p).Token\n"+
		"for i in range(9):\n    k.PsDereferencePrimaryToken(PrimaryToken=t)\n"))
	check.That(t, errors.Is(err, ErrStopped) && strings.HasPrefix(b.String(), "x\n"), "%v, output before the stop %q", err,
		b.String())
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

// A statement of a session is no longer than a program, whatever its lines: the compiler would overflow its stack.
func TestLongStatementEndsTheSession(t *testing.T) {
	terms := strings.Repeat("+1", MaxSource/4)
	for text, long := range map[string]bool{"x = (1\n" + terms + ")\n3 * 4\n": false,
		"x = (1\n" + terms + "\n" + terms + ")\n3 * 4\n": true, "x = 1" + terms + terms + "\n3 * 4\n": true} {
		for _, prompt := range []string{"", ">>> "} {
			var b strings.Builder
			r := New(Config{Output: &b})
			err := r.Interact(strings.NewReader(text), prompt)
			check.That(t, errors.Is(err, errLong) == long && (err != nil) == long &&
				strings.Contains(b.String(), "12\n") == !long, "%d bytes: %v, want an error: %t", len(text), err, long)
			check.NoError(t, r.Close())
		}
	}
}

// A program may drop more references to an object than it has. The kernel then stops when it is closed, which is an
// error as in a call. Connections are closed all the same.
func TestCloseReportsStoppedKernel(t *testing.T) {
	for _, source := range []string{"kernel_mode(p.thread).ObDereferenceObject(Object=p.thread)\n",
		"t = token_object(token(user='BA'))\nkernel_mode(p.thread).ObDereferenceObject(Object=t)\n"} {
		r, closed := New(Config{Output: io.Discard}), 0
		check.NoError(t, r.Run("drop.star", []byte("p = process('a', token(user='S-1-5-21-1-2-3-1107'))\n"+source)))
		r.connections = []Connection{counted{closed: &closed}}
		check.ErrorIs(t, r.Close(), ErrStopped, "%s: Close after a reference too few", source)
		check.NoError(t, r.Close())
		check.Equal(t, closed, 1, "%s: connections closed", source)
	}
}

// counted counts the calls of Close.
type counted struct {
	Connection
	closed *int
}

func (c counted) Close() error { *c.closed++; return nil }
