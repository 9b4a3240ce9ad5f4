package main

import (
	"bytes"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/test/check"
)

func TestExpandKeepsPatternsWithoutMatch(t *testing.T) {
	got := expand([]string{filepath.Join("testdata", "*.star"), "nothing*", "plain.star"})
	want := []string{filepath.Join("testdata", "decided.star"), filepath.Join("testdata", "own.star"), "nothing*",
		"plain.star"}
	check.That(t, slices.Equal(got, want), "%q, want %q", got, want)
}

// On other systems than Windows the program prints where to run it, and writes nothing.
func TestOtherSystemsAreReferredToWindows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this is one")
	}
	var out bytes.Buffer
	if err := record(nil, &out); err == nil || !strings.Contains(err.Error(), "GOOS=windows") || out.Len() != 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// TestAgentEndsWithRecorder checks that an agent ends with its recorder, and at commands that it does not understand.
func TestAgentEndsWithRecorder(t *testing.T) {
	var out bytes.Buffer
	code := serve(strings.NewReader(""), &out)
	check.That(t, code == 0 && out.Len() == 0, "%d, %d bytes, want 0, 0", code, out.Len())
	code = serve(strings.NewReader("no order"), &out)
	check.That(t, code == 0 && out.Len() == 0, "%d, %d bytes, want 0, 0", code, out.Len())
}

// TestRecorderLayoutsMatchWindows64 are the layouts of 64-bit Windows in the order of their headers: offsets of fields
// that callers write.
func TestRecorderLayoutsMatchWindows64(t *testing.T) {
	k := pack("x")
	k.ptr(k.unicode("ab"))
	b := k.Buffers[0]
	check.That(t, len(b) == 16 && le.Uint16(b) == 4 && le.Uint16(b[2:]) == 4, "UNICODE_STRING %x", b)
	want := (fix{0, 8, 1, 0})
	check.That(t, slices.Equal(k.Fixes, []fix{want}), "%v, want %v", k.Fixes, want)
	check.That(t, string(k.Buffers[1]) == "a\x00b\x00\x00\x00",
		"the buffer of the UNICODE_STRING has %q, want %q", k.Buffers[1], "a\x00b\x00\x00\x00")
}

// compared compares a recording with refmon's answers.
func compared(t *testing.T, rec *replay.Recording) *replay.Report {
	t.Helper()
	notes := check.Must(replay.ReadNotes())
	return check.Must(replay.Compare(rec, notes))
}
