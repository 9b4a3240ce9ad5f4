package accessquery_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestOpenNamesTheDescriptorThatDecided checks that a denied open names the object, its directory or the directory on
// the path whose entries denied it, and the rights requested of that descriptor (F-23, F-32, F-42).
func TestOpenNamesTheDescriptorThatDecided(t *testing.T) {
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-22-1-1001"))))
	hers, list := sddl.MustParse("O:BAG:BAD:(A;;FA;;;BA)"), sddl.MustParse("O:BAG:BAD:(A;;0x1200a9;;;WD)")
	file := func(d *sd.Descriptor) fileaccess.Object { return fileaccess.Object{Exists: true, Descriptor: d} }
	for _, c := range []struct {
		what      string
		name      string
		want      winnt.AccessMask
		facts     fileaccess.Facts
		do        fileaccess.Disposition
		component int
		requested winnt.AccessMask
		text      string // of the explanation
		limits    string
	}{
		{"the file", "f", winnt.FILE_READ_DATA, fileaccess.Facts{Object: file(hers), Parent: &fileaccess.Directory{
			Name: "/d", Descriptor: list}}, fileaccess.FileOpen, -1, winnt.FILE_READ_DATA, "no entry grants FILE_READ_DATA", ""},
		{"a file that grants one of two rights", "f", winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA, fileaccess.Facts{
			Object: file(list)}, fileaccess.FileOpen, -1, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
			"no entry grants FILE_WRITE_DATA", ""},
		{"a missing file", "f", winnt.FILE_READ_DATA, fileaccess.Facts{Parent: &fileaccess.Directory{Name: "/d",
			Descriptor: list}}, fileaccess.FileOpen, -1, winnt.FILE_ADD_FILE, "no entry grants FILE_ADD_FILE", ""},
		{"a file without a descriptor", "f", winnt.FILE_READ_DATA, fileaccess.Facts{Object: file(nil)},
			fileaccess.FileOpen, -1, winnt.FILE_READ_DATA, "", ""},
		{"a directory on the path", `a\f`, winnt.FILE_READ_DATA, fileaccess.Facts{Object: file(list),
			Path:   []fileaccess.Component{{Name: "a", Exists: true, IsDirectory: true, Descriptor: hers}},
			Policy: fileaccess.Policy{Traverse: fileaccess.TraverseAlways}}, fileaccess.FileOpen, 0, winnt.FILE_TRAVERSE,
			"no entry grants FILE_TRAVERSE", ""},
		{"the second directory on the path", `a\b\f`, winnt.FILE_READ_DATA, fileaccess.Facts{Object: file(list),
			Path: []fileaccess.Component{{Name: "a", Exists: true, IsDirectory: true, Descriptor: list},
				{Name: "b", Exists: true, IsDirectory: true, Descriptor: hers}},
			Policy: fileaccess.Policy{Traverse: fileaccess.TraverseAlways}}, fileaccess.FileOpen, 1, winnt.FILE_TRAVERSE,
			"no entry grants FILE_TRAVERSE", ""},
		{"deletion", "f", winnt.DELETE, fileaccess.Facts{Object: file(list), Parent: &fileaccess.Directory{Name: "/d",
			Descriptor: list}}, fileaccess.FileOpen, -1, winnt.DELETE, "no entry grants DELETE",
			"DELETE: the directory /d decides: no entry grants FILE_DELETE_CHILD"},
		{"attributes by the directory", "f", winnt.FILE_READ_ATTRIBUTES | winnt.FILE_READ_DATA, fileaccess.Facts{
			Object: file(hers), Parent: &fileaccess.Directory{Name: "/d", Descriptor: list}}, fileaccess.FileOpen, -1,
			winnt.FILE_READ_DATA, "no entry grants FILE_READ_DATA",
			"FILE_READ_ATTRIBUTES: the directory /d decides: entry 1 of the DACL allows"},
		{"attributes by the file and the directory", "f", winnt.FILE_READ_ATTRIBUTES | winnt.FILE_READ_DATA,
			fileaccess.Facts{Object: file(sddl.MustParse("O:BAG:BAD:(A;;0x80;;;WD)")), Parent: &fileaccess.Directory{
				Descriptor: list}}, fileaccess.FileOpen, -1, winnt.FILE_READ_ATTRIBUTES | winnt.FILE_READ_DATA,
			"no entry grants FILE_READ_DATA", "FILE_READ_ATTRIBUTES: the directory decides: entry 1 of the DACL allows"},
		{"a new file", "f", winnt.FILE_WRITE_DATA, fileaccess.Facts{Parent: &fileaccess.Directory{Name: "/d",
			Descriptor: list}}, fileaccess.FileCreate, -1, winnt.FILE_ADD_FILE, "no entry grants FILE_ADD_FILE",
			"FILE_WRITE_DATA: the directory /d decides: it does not grant FILE_ADD_FILE"},
	} {
		r := fileaccess.Request{Subject: access.SubjectOf(tok), Desired: c.want, Name: c.name, Disposition: c.do}
		o := accessquery.ExplainOpen(&r, &c.facts)
		text := ""
		if o.Why != nil {
			text = o.Why.Verdict()
		}
		lines := strings.Join(o.Entries(), "\n")
		check.That(t, c.text == "" || lines == "A-40: no entry allows them", "%s: entries %q", c.what, lines)
		if d := fileaccess.Open(&r, &c.facts); o.Status() != d.Status() || o.Allowed() {
			t.Errorf("%s: %v, and an open is %v", c.what, o.Status(), d.Status())
		}
		if o.Component != c.component || o.Check.Desired != c.requested || !strings.HasSuffix(text, c.text) ||
			(text == "") != (c.text == "") || !strings.HasPrefix(strings.Join(o.Limits(true), "\n"), c.limits) ||
			(o.Limits(true) == nil) != (c.limits == "") {
			t.Errorf("%s: component %d, %v, %q, %q", c.what, o.Component, o.Check.Desired, text, o.Limits(true))
		}
	}
	r := fileaccess.Request{Subject: access.SubjectOf(tok), Name: "f", Desired: winnt.FILE_READ_ATTRIBUTES,
		Disposition: fileaccess.FileOpen}
	byParent := accessquery.ExplainOpen(&r, &fileaccess.Facts{Object: file(hers), Parent: &fileaccess.Directory{
		Name: "/d", Descriptor: list}})
	check.That(t, byParent.Allowed() && byParent.Check.Desired == r.Desired,
		"attributes by the directory alone: %v, requested %v, want %v", byParent.Status(), byParent.Check.Desired, r.Desired)
	check.Equal(t, strings.Join(byParent.Limits(false), "\n"),
		"FILE_READ_ATTRIBUTES: by the directory /d, ParentAllow FILE_LIST_DIRECTORY AceAllow DACL 0", "lines of JSON")
	fresh := accessquery.ExplainOpen(&fileaccess.Request{Subject: access.SubjectOf(tok), Name: "n",
		Desired: winnt.FILE_LIST_DIRECTORY, Disposition: fileaccess.FileCreate, Options: fileaccess.DirectoryFile},
		&fileaccess.Facts{Parent: &fileaccess.Directory{Name: "/d", Descriptor: list}})
	check.Equal(t, strings.Join(fresh.Limits(true), "\n"),
		"FILE_LIST_DIRECTORY: the directory /d decides: it does not grant FILE_ADD_SUBDIRECTORY", "a new directory")
	check.Equal(t, fresh.Check.Desired, winnt.FILE_ADD_SUBDIRECTORY, "rights requested of the folder of a new directory")
	labelled := accessquery.ExplainOpen(&fileaccess.Request{Subject: access.SubjectOf(tok),
		Desired: winnt.FILE_READ_DATA | winnt.DELETE, Disposition: fileaccess.FileOpen},
		&fileaccess.Facts{Parent: &fileaccess.Directory{Name: "/d", Descriptor: list},
			Object: file(sddl.MustParse("O:BAG:BAD:(D;;0x1;;;WD)S:(ML;;NX;;;SI)"))})
	check.Equal(t, strings.Join(labelled.Entries(), "\n"), "A-70: entry 1 of the DACL (D;;CC;;;WD): it denies a right "+
		"that is still needed, so no later entry counts", "entries that refuse requested rights")
	check.Equal(t, strings.Join(labelled.Limits(false), "\n"),
		"DELETE: by the directory /d, ParentDeny FILE_DELETE_CHILD NoAce", "lines of JSON for deletion")
	everything := fileaccess.Object{Exists: true, Descriptor: sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)"),
		Attributes: fileaccess.AttributeReadOnly}
	o := accessquery.ExplainOpen(&fileaccess.Request{Subject: access.SubjectOf(tok), Desired: winnt.FILE_WRITE_DATA,
		Disposition: fileaccess.FileOpen}, &fileaccess.Facts{Object: everything})
	check.Equal(t, strings.Join(o.Limits(true), "\n"), "FILE_WRITE_DATA: the file is read-only", "lines for people")
	check.Equal(t, strings.Join(o.Limits(false), "\n"), "FILE_WRITE_DATA: ReadOnlyAttribute", "lines of JSON")
	if o := accessquery.ExplainOpen(nil, nil); o.Allowed() || o.Why != nil || o.Limits(true) != nil {
		t.Errorf("ExplainOpen(nil, nil) = %+v, want a denial without explanation and limits", o)
	}
}
