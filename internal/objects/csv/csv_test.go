package csv_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/csv"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// first returns the first object of a text.
func first(t *testing.T, text string) (item objects.Item, err error) {
	t.Helper()
	return firstOf(csv.New(strings.NewReader(text)))
}

// firstOf returns the first object of a source.
func firstOf(s objects.Source) (item objects.Item, err error) {
	err = objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
		item = i
		return false
	})
	return item, err
}

// TestQuotedHeadingIsAccepted checks that every heading can be quoted, as PowerShell 5.1 writes it. A column that is
// there twice is refused. The provider of a path tells the type of the object.
func TestQuotedHeadingIsAccepted(t *testing.T) {
	i, err := first(t, "\"Path\",\"Sddl\"\r\n\"Microsoft.PowerShell.Core\\FileSystem::C:\\a\",\"O:SYG:SYD:\"\r\n")
	check.That(t, err == nil && i.Err == nil && i.Path == `C:\a`,
		"the row is %+v, %v, want the path %q, and no error of the row or the file", i, err, `C:\a`)
	// The most specific column is used, in whatever order they are: a name is not unique.
	for heading, want := range map[string]string{"Name,FullName": "b", "FullName,Name": "a", "Name,DN": "b",
		"Name,PSPath": "b", "DistinguishedName,Path": "b", "FullName,PSPath": "b"} {
		i, err := first(t, heading+",Sddl\na,b,O:SYG:SYD:\n")
		check.That(t, err == nil && i.Path == want, "%s: path %q, %v, want %s", heading, i.Path, err, want)
	}
	for path, want := range map[string]*winnt.ObjectType{`Microsoft.PowerShell.Core\Registry::a`: winnt.KeyObject,
		`Microsoft.ActiveDirectory.Management.dll\ActiveDirectory:://RootDSE/a`: winnt.DirectoryServiceObject,
		"a": winnt.FileObject} {
		i, err := first(t, "Path,Sddl\n"+path+",O:SYG:SYD:\n")
		check.That(t, err == nil && i.Path == "a" && i.Type == want, "%s: %s of type %v, %v", path, i.Path, i.Type, err)
	}
	for heading, want := range map[string]string{
		"Path,Sddl,path\na,O:SYG:SYD:,b\n": "column path occurs twice",
		"Path,Sddl,sd\na,O:SYG:SYD:,D:\n":  "columns Sddl and sd both",
		"Path,x\na,b\n":                    "has no column path, or none of sd",
	} {
		if _, err := first(t, heading); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", heading, err, want)
		}
	}
}

// TestRowLongerThanHeadingIsError rejects a row with a comma outside quotes: it moves the columns, so that the path
// would be another file's.
func TestRowLongerThanHeadingIsError(t *testing.T) {
	const want = "line 2: there are 3 columns, and the heading has 2: put quotes around a value with ','"
	i, err := first(t, "Sddl,Path\nO:SYG:SYD:,/a,b\n")
	check.That(t, err == nil && i.Path == "line 2" && i.Err != nil && i.Err.Error() == want, "%+v, %v, want %s", i, err,
		want)
	i, err = first(t, "Sddl,Path\n\"D:\"x,/a\n")
	check.That(t, err == nil && i.Path == "line 2" && i.Err != nil, "a quote within a cell: %+v, %v", i, err)
	for _, row := range []string{"O:SYG:SYD:,/a\n", "O:SYG:SYD:,/a,\n"} { // without a type
		i, err = first(t, "Sddl,Path,Type\n"+row)
		check.That(t, err == nil && i.Err == nil && i.Path == "/a" && i.Type == winnt.FileObject,
			"%+v, %v, want a file", i, err)
	}
	i, err = first(t, "Sddl,Path,,\nO:SYG:SYD:,/a,b,c\n")
	check.That(t, err == nil && i.Err == nil && i.Path == "/a", "%+v, %v, want the path /a", i, err)
}

// Export-Csv -UseCulture separates by semicolons in many countries, and a spreadsheet by tabs.
func TestSeparatorIsThatOfHeading(t *testing.T) {
	for _, text := range []string{
		"\"Path\";\"Sddl\"\r\n\"a,b\";\"D:(A;;FA;;;WD)\"\r\n",
		"#TYPE A,B,C\n#TYPE D\nPath;Sddl\na,b;D:",
		"Path\tSddl\na,b\tD:(A;;FA;;;WD)\n",
	} {
		for _, in := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			i, err := firstOf(csv.New(in))
			check.That(t, err == nil && i.Path == "a,b", "%q: path %q, %v, want a,b", text, i.Path, err)
		}
	}
	i, _ := first(t, "Path;Sddl\na;D:(A;;FA;;;WD)\n")
	check.That(t, i.Err != nil && strings.Contains(i.Err.Error(), "put quotes around a value with ';'"),
		"a row without quotes: %v", i.Err)
}
