package csv_test

import (
	"context"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/csv"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// first returns the first object of a text.
func first(t *testing.T, text string) (item objects.Item, err error) {
	t.Helper()
	err = objects.All(context.Background(), csv.New(strings.NewReader(text)), sid.SID{}, winnt.FileObject,
		func(i objects.Item) bool {
			item = i
			return false
		})
	return item, err
}

// TestPowerShellBOMAndQuotesAreAccepted: PowerShell 5.1 writes a UTF-8 mark and quotes every heading; a column that is
// there twice is refused.
func TestPowerShellBOMAndQuotesAreAccepted(t *testing.T) {
	i, err := first(t, "\ufeff\"Path\",\"Sddl\"\r\n\"C:\\a\",\"O:SYG:SYD:\"\r\n")
	check.That(t, err == nil && i.Err == nil && i.Path == `C:\a`,
		"%+v, %v, want i.Err = nil, i.Path = %q, no error", i, err, `C:\a`)
	for heading, want := range map[string]string{
		"Path,Sddl,path\na,O:SYG:SYD:,b\n": "column path is there twice",
		"Path,Sddl,sd\na,O:SYG:SYD:,D:\n":  "columns Sddl and sd both",
	} {
		if _, err := first(t, heading); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", heading, err, want)
		}
	}
}

// TestRowLongerThanHeadingIsError: a comma without quotes moves the columns, so that the path would be another file's.
func TestRowLongerThanHeadingIsError(t *testing.T) {
	const want = "line 2: there are 3 columns, and the heading has 2: put quotes around a value with commas"
	i, err := first(t, "Sddl,Path\nO:SYG:SYD:,/a,b\n")
	check.That(t, err == nil && i.Path == "line 2" && i.Err != nil && i.Err.Error() == want, "%+v, %v, want %s", i, err,
		want)
	i, err = first(t, "Sddl,Path,\nO:SYG:SYD:,/a,b\n")
	check.That(t, err == nil && i.Err == nil && i.Path == "/a", "%+v, %v, want the path /a", i, err)
}
