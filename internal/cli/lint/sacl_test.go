package lint

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestLabelWithoutLevelIsReported checks that a label is reported if its SID is not an integrity level, and not
// otherwise.
func TestLabelWithoutLevelIsReported(t *testing.T) {
	bare, _ := sid.New(16)
	id := sid.MustParse
	for s, bad := range map[sid.SID]bool{bare: true, id("S-1-16-0"): false, id("S-1-16-8192"): false,
		id("S-1-16-8192-1"): false, id("S-1-15-8192"): true, sid.Everyone: true, id("S-1-19-512-4096"): true} {
		label := check.Must(sd.NewACE(sd.SystemMandatoryLabel, 0, 1, s, sd.ACEExtra{}))
		found := texts(Check(withSACL("O:BAG:SYD:(A;;FR;;;BU)", label), winnt.FileObject, sid.SID{}))
		check.Equal(t, strings.Contains(found, ": bad-label: "), bad, "bad label in %s", found)
	}
}
