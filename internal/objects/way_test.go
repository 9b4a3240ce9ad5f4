package objects

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
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
	check.That(t, ways.With(both, closed) == both && ways.With(first, open) == both && len(both.Folders) == 2,
		"%d folders, want 2, and the same way for equal folders", len(both.Folders))
	again, err := ParseWay(both.Text())
	check.That(t, err == nil && len(again.Folders) == 2 && !again.PassesOthers(), "read: %+v, %v", again, err)
	for _, text := range []string{"\x05\x00\x00\x00abcd", "\x05\x00", both.Text()[:len(both.Text())-1]} {
		_, err := ParseWay(text)
		check.That(t, err != nil, "%q is accepted, want an error", text)
	}
	for i := range maxWays + 1 {
		ways.With(nil, sddl.MustParse(fmt.Sprintf("O:S-1-5-21-1-2-3-%d", i)))
	}
	check.That(t, len(ways.known) < maxWays, "%d ways are remembered, want less than %d", len(ways.known), maxWays)
}
