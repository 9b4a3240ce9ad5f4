package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

var domain = sid.MustParse("S-1-5-21-1-2-3")

// lookup is the Lookup of the tests: well-known names and some accounts of CORP.
func lookup(name string) (sid.SID, bool) {
	switch name {
	case `CORP\alice`:
		return domain.WithRID(1107), true
	case `CORP\Staff`, `CORP\All Staff`, `Users`, `All Users`: // Users is also the end of Authenticated Users
		return domain.WithRID(2000), true
	}
	return objects.NewLookup(nil, nil)(name)
}

// rows reads a text and returns each object as path, type and SDDL, or its error.
func rows(t *testing.T, text string) (list []string, err error) {
	t.Helper()
	open, err := Detect(text)
	if err != nil || open == nil {
		return nil, err
	}
	return read(t, open(strings.NewReader(text)))
}

func read(t *testing.T, s objects.Source) (list []string, err error) {
	t.Helper()
	objects.UseNames(s, lookup)
	err = objects.All(context.Background(), s, domain, winnt.FileObject, func(i objects.Item) bool {
		row := i.Path + " | "
		switch {
		case i.Err != nil:
			row += "error: " + i.Err.Error()
		case i.Descriptor == nil:
			t.Errorf("%q: neither a descriptor nor an error", i.Path)
		default:
			text, err := sddl.Format(i.Descriptor, sddl.Options{})
			if err != nil {
				t.Fatal(err)
			}
			row += text
		}
		if i.Type != winnt.FileObject {
			row += " | " + i.Type.Name
		}
		list = append(list, row)
		return true
	})
	return list, err
}

// check compares the rows of a text. A wanted row that ends in "…" is the beginning.
func check(t *testing.T, text string, want ...string) {
	t.Helper()
	got, err := rows(t, text)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	same := len(got) == len(want)
	for i := range want {
		if begin, cut := strings.CutSuffix(want[i], "…"); same && cut {
			same = strings.HasPrefix(got[i], begin)
		} else if same {
			same = got[i] == want[i]
		}
	}
	if !same {
		t.Errorf("%s\ngives\n%s\nwant\n%s", text, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// errReader fails after its text.
type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// testReadError: an error of the reader ends the run, wherever it comes, and an object that it cuts is left out.
func testReadError(t *testing.T, open func(io.Reader) objects.Source, text string) {
	t.Helper()
	broken := fmt.Errorf("the disk is gone")
	whole, _ := read(t, open(strings.NewReader(text)))
	for at := 0; at <= len(text); at += 7 {
		in := io.MultiReader(strings.NewReader(text[:at]), errReader{broken})
		got, err := read(t, open(in))
		if err == nil || !strings.Contains(err.Error(), broken.Error()) ||
			!slices.Equal(got, whole[:min(len(got), len(whole))]) {
			t.Errorf("after %d bytes: %q, %v, want a part of %q and %v", at, got, err, whole, broken)
		}
	}
}

// Each form is known by its beginning, and a form without descriptors names a command that prints them (B-64).
func TestDetectKnowsFormsByBeginning(t *testing.T) {
	for text, want := range map[string]error{
		"C:\\a\n  RW BUILTIN\\Administrators\n  R  BUILTIN\\Users\n":                               ErrEffective,
		"C:\\a\n  Medium Mandatory Level (Default) [No-Write-Up]\n  RW Everyone\n\tX\n":            ErrEffective,
		"Accesschk v6.15 - Reports\nC:\\a\n  RW Everyone\n":                                        ErrEffective,
		"\n    Directory: C:\\\n\n\nPath   Owner    Access\n----   -----\nTemp   BUILTIN\\A ...\n": ErrTable,
	} {
		if open, err := Detect(text); open != nil || !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{"", "\n\n", "hello", "a\nD:P\n", `{"path":"a"}`, "dn: CN=a\ncn: b\n", "version: 1\n",
		"a\nb\n  RW Everyone\n", "path,sd\n", `D:\data`, "D:/data", "Path,Sddl\n", "Accesschk v6.15 - Reports\n",
		"name: x\ndescription: see Everyone:(F)\n"} {
		if open, err := Detect(text); open != nil || err != nil {
			t.Errorf("Detect(%q): %v, %v, want neither a form nor an error", text, open != nil, err)
		}
	}
}

// Prompts with their commands are not part of the output, before the first object, between two and at the end (B-80).
func TestPromptsAreSkipped(t *testing.T) {
	for text, want := range map[string]string{
		"PS C:\\> icacls C:\\a\r\nC:\\a Everyone:(R)\r\n\r\nPS C:\\Users\\me> icacls C:\\b\r\n" +
			"C:\\b Everyone:(F)\r\nPS C:\\>\r\n": "C:\\a | D:(A;;FR;;;WD) C:\\b | D:(A;;FA;;;WD)",
		"  \r\n\r\nC:\\>icacls D:\\x\nD:\\x BUILTIN\\Users:(R)\n     Everyone:(F)\nC:\\>": "D:\\x | " +
			"D:(A;;FR;;;BU)(A;;FA;;;WD)",
		"PS \\\\srv\\share> (Get-Acl a).Sddl\nO:BAG:SYD:(A;;FA;;;WD)\nPS \\\\srv\\share>": "line 2 | " +
			"O:BAG:SYD:(A;;FA;;;WD)",
		"PS C:\\> Get-Acl a | fl\n\nPath   : C:\\a\nOwner  : x\nSddl   : O:BAG:SYD:(A;;FA;;;WD)\n\nPS C:\\>": "C:\\a | " +
			"O:BAG:SYD:(A;;FA;;;WD)",
	} {
		if got, err := rows(t, text); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := rows(t, "# file: a\n# owner: root\nuser::rw-\n"); !errors.Is(err, ErrFACL) {
		t.Errorf("getfacl: %v, want ErrFACL", err)
	}
}

// One object can have all lines or words of a text. A reader that goes through them again for each takes minutes here.
func TestObjectOfManyLinesIsRead(t *testing.T) {
	const n = 300_000
	many := func(text string) string { return strings.Repeat(text, n) }
	for name, text := range map[string]string{
		"SDDL with an open bracket": "D:(A;;FA;;;BA\n" + many("D:x\n"),
		"Get-Acl":                   "Path : a\n" + many("x\n"),
		"icacls with flags":         "C:\\b Everyone:(F)\n\nC:\\a BUILTIN\\Users:" + many("(I)") + "(F)\n",
		"icacls with blanks":        "C:\\b Everyone:(F)\n\nC:\\a" + many("  ") + "Nobody:(F)\n",
		"accesschk with flags":      "C:\\a\n  DESCRIPTOR FLAGS:\n" + many("      [SE_DACL_AUTO_INHERITED]\n"),
		"accesschk with flags of an entry": "C:\\a\n  DESCRIPTOR FLAGS:\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n" +
			many("\t  [INHERIT_ONLY_ACE]\n"),
	} {
		open, err := Detect(text[:4<<10])
		if err == nil {
			_, err = read(t, open(strings.NewReader(text)))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
