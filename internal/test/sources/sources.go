// Package sources creates directories in the file formats of other systems, for tests of the readers of accounts.
package sources

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/sid"
)

// Read returns the directory of several files, each given as its form and its contents. The form members:GROUP reads
// the members of a group. The directory passes through the text of a directory file. Read also returns the unresolved
// references.
func Read(t *testing.T, files ...[2]string) (*directory.Directory, []string) {
	t.Helper()
	var c collect.Collector
	for _, f := range files {
		var err error
		if group, ok := strings.CutPrefix(f[0], "members:"); ok {
			err = source.ReadMembers(&c, group, []byte(f[1]))
		} else {
			err = source.Read(&c, f[0], []byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := dirfile.Write(c.Accounts())
	d, err := dirfile.Read(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d, c.Unresolved
}

// HasGroups fails the test unless a user's token has all of the SIDs, which spaces separate.
func HasGroups(t *testing.T, d *directory.Directory, who, sids string) {
	t.Helper()
	i := d.Find(who)
	if i < 0 {
		t.Errorf("%s is not a principal", who)
		return
	}
	for s := range strings.FieldsSeq(sids) {
		if !d.Principals[i].Token.Member(sid.MustParse(s), false) {
			t.Errorf("%s is not a member of %s", who, s)
		}
	}
}
