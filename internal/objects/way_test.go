package objects

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// A way with a closed folder stays closed, has each folder once, and is read from its text.
func TestWayHasEachFolderOnce(t *testing.T) {
	var ways Ways
	closed, open := sddl.MustParse("O:SYG:SYD:(D;;FX;;;WD)(A;;FX;;;BA)"), sddl.MustParse("O:SYG:SYD:(A;;FX;;;WD)")
	first := ways.With(nil, closed)
	both := ways.With(first, open)
	check.That(t, (*Way)(nil).PassesOthers() && ways.With(nil, open).PassesOthers() && !first.PassesOthers() &&
		!both.PassesOthers() && !ways.With(ways.With(nil, open), closed).PassesOthers(),
		"not only ways of open folders pass others")
	check.That(t, ways.With(both, closed) == both && ways.With(first, open) == both && len(both.Folders()) == 2,
		"%d folders, want 2, and the same way for equal folders", len(both.Folders()))
	again, err := ParseWay(both.Text())
	check.That(t, err == nil && len(again.Folders()) == 2 && !again.PassesOthers(), "read: %+v, %v", again, err)
	for _, text := range []string{"\x05\x00\x00\x00abcd", "\x05\x00", both.Text()[:len(both.Text())-1]} {
		_, err := ParseWay(text)
		check.That(t, err != nil, "%q is accepted, want an error", text)
	}
	for i := range maxWays + 1 {
		ways.With(nil, sddl.MustParse(fmt.Sprintf("O:S-1-5-21-1-2-3-%d", i)))
	}
	check.That(t, len(ways.known) < maxWays, "%d ways are remembered, want less than %d", len(ways.known), maxWays)
}

// The ways to nested folders share memory: the owner of a tree may make it 2,000 levels deep, with
// other permissions on each level. A large descriptor counts against a limit of bytes.
func TestWaysOfDeepTreeShareMemory(t *testing.T) {
	list := sddl.MustParse("D:" + strings.Repeat("(A;;FX;;;BA)", 400)).DACL()
	folder := func(i int) *sd.Descriptor {
		return sd.New(sd.Parts{Owner: sid.MustParse("S-1-5-21-1-2-3").WithRID(uint32(i)), DACL: list})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var ways Ways
	var w *Way
	const levels = 300
	for i := range levels {
		w = ways.With(w, folder(i))
	}
	runtime.ReadMemStats(&after)
	made := (after.TotalAlloc - before.TotalAlloc) >> 20
	check.That(t, made < 100, "%d MiB allocated, want fewer than 100: 10 KiB for each level's permissions", made)
	f := w.Folders()
	again := check.Must(ParseWay(w.Text()))
	check.That(t, len(f) == levels && f[0].Equal(folder(0)) && f[levels-1].Equal(folder(levels-1)) &&
		again.Text() == w.Text(), "%d folders, want %d, from the root down", len(f), levels)
	for i := range maxWays - levels - 1 {
		ways.With(nil, folder(levels+i))
	}
	check.That(t, len(ways.known) < maxWays/2, "%d ways of 30 KiB are remembered, want at most 64 MiB", len(ways.known))
}
