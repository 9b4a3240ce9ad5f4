package objects

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// A way with a closed folder stays closed, has each folder once, and is read from its text.
func TestWayHasEachFolderOnce(t *testing.T) {
	var ways Ways
	closed, open := sddl.MustParse("O:SYG:SYD:(A;;FX;;;BA)"), sddl.MustParse("O:SYG:SYD:(A;;FX;;;WD)")
	first := ways.With(nil, closed)
	both := ways.With(first, open)
	check.That(t, ways.With(nil, open).PassesOthers() && !first.PassesOthers() && !both.PassesOthers(),
		"only the open folder passes others")
	check.That(t, ways.With(both, closed) == both && len(both.Folders) == 2, "%d folders, want 2", len(both.Folders))
	again, err := ParseWay(both.Text())
	check.That(t, err == nil && len(again.Folders) == 2 && !again.PassesOthers(), "read: %+v, %v", again, err)
	for _, text := range []string{"\x05\x00\x00\x00abcd", "\x05\x00", both.Text()[:len(both.Text())-1]} {
		_, err := ParseWay(text)
		check.That(t, err != nil, "%q is accepted, want an error", text)
	}
}
