package bulk_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// The rights of Run.Holdings are computed once for equal descriptors and classes, separately for each account. An error
// belongs to its row and does not end the run (B-118).
func TestHoldingsOfEqualObjectsAreFoundOnce(t *testing.T) {
	dir := check.Must(dirfile.Read([]byte("users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n")))
	entry := func(name, class, sid string) string {
		text := "dn: CN=" + name + "\nobjectClass: " + class + "\nnTSecurityDescriptor: O:SYD:(A;;GR;;;WD)\n"
		if sid != "" {
			text += "objectSid: " + sid + "\n"
		}
		return text + "\n"
	}
	text := entry("a", "container", "") + entry("b", "container", "") + entry("c", "organizationalUnit", "") +
		entry("d", "group", "S-1-5-21-1-2-3-1") + entry("e", "group", "S-1-5-21-1-2-3-2") + entry("bad", "x", "") +
		entry("f", "container", "")
	for _, name := range []string{"g", "h"} { // each has a password of its own
		text += strings.TrimSuffix(entry(name, "x", ""), "\n") + "msDS-GroupMSAMembership:: AQAA\n\n"
	}
	var out bytes.Buffer
	var queries []string
	run := &bulk.Run{Source: ldif.New(strings.NewReader(text)), Directory: dir, Ask: bulk.What, Format: bulk.CSV,
		Out: &out, Type: winnt.DirectoryServiceObject, Workers: 1}
	run.Holdings = func() (func(*objects.Item) ([]string, error), error) {
		return func(i *objects.Item) ([]string, error) {
			if queries = append(queries, i.Path); i.Path == "CN=bad" {
				return nil, fmt.Errorf("no answer")
			}
			return []string{"right of " + i.Path}, nil
		}, nil
	}
	changes := *run
	sum := check.Must(run.Do(context.Background()))
	check.Equal(t, strings.Join(queries, " "), "CN=a CN=c CN=d CN=e CN=bad CN=g CN=h", "objects that were asked about")
	check.Equal(t, sum.Unreadable, 1, "unreadable objects")
	check.Equal(t, out.String(), `path,granted,rights
CN=a,0x00020094,right of CN=a
CN=b,0x00020094,right of CN=a
CN=c,0x00020094,right of CN=c
CN=d,0x00020094,right of CN=d
CN=e,0x00020094,right of CN=e
CN=bad,error,no answer
CN=f,0x00020094,right of CN=a
CN=g,0x00020094,right of CN=g
CN=h,0x00020094,right of CN=h
`, "rows")
	out.Reset()
	changes.Changes, changes.Source = true, ldif.New(strings.NewReader(text))
	check.Must(changes.Do(context.Background()))
	check.That(t, strings.Contains(out.String(), "right of CN=c\n"),
		"with changes only, an object has the rights of another:\n%s", out.String())
}

// An object without a type is a file, unless the run names another type.
func TestObjectWithoutTypeIsFile(t *testing.T) {
	for want, typ := range map[string]*winnt.ObjectType{"FILE_EXECUTE": nil, "KEY_CREATE_LINK": winnt.KeyObject} {
		out := rowsOf(t, &bulk.Run{Directory: staff(""), Ask: bulk.What, Format: bulk.CSV, Type: typ},
			`{"path":"/a","sd":"D:(A;;0x20;;;WD)"}`+"\n")
		check.That(t, strings.Contains(out, "/a,0x00000020,"+want+"\n"), "%s, want %s", out, want)
	}
}

// The rights that --want names are listed once, also if they have other names (U-120), on objects with all of them.
func TestWantedRightIsListedOnce(t *testing.T) {
	const object = `{"path":"/a","sd":"D:(A;;FR;;;WD)"}` + "\n"
	for want, row := range map[string]string{"read": "/a,0x00120089,read\n", "read+write": "",
		"READ_CONTROL": "/a,0x00120089,read;READ_CONTROL\n"} {
		out := rowsOf(t, &bulk.Run{Directory: staff(""), Ask: bulk.What, Format: bulk.CSV,
			Want: check.Must(words.Parse(want))}, object)
		check.Equal(t, strings.TrimPrefix(out, "path,granted,rights\n"), row, "%s", want)
	}
}

// Nobody can read an attribute such as a password, whatever the descriptor grants (B-55). An entry for this
// attribute alone still grants writing.
func TestSecretAttributeCannotBeRead(t *testing.T) {
	run := &bulk.Run{Directory: staff(""), Ask: bulk.What, Format: bulk.CSV, Type: winnt.DirectoryServiceObject,
		Types: [][]winnt.GUID{check.Must(words.Chain("unicodePwd"))}}
	out := rowsOf(t, run, objectLine("/a", "D:(A;;RPWP;;;WD)")+
		objectLine("/b", "D:(OA;;RPWP;bf9679e1-0de6-11d0-a285-00aa003049e2;;WD)"))
	check.Equal(t, strings.Count(out, ",0x00000020,"), 2, "rights to write in %s", out)
}

// A table omits and counts objects without a right, unless they are requested. A right on one object type counts as a
// right (U-108).
func TestTableOmitsObjectsWithoutRight(t *testing.T) {
	for _, c := range []struct {
		nothing      bool
		rights       []string
		rows, passed int
	}{{false, nil, 0, 1}, {true, nil, 1, 0}, {false, []string{"AddMember"}, 1, 0}} {
		var out strings.Builder
		run := &bulk.Run{Directory: staff(""), Ask: bulk.What, Out: &out, Type: winnt.DirectoryServiceObject,
			Nothing: c.nothing,
			Source: ldif.New(strings.NewReader("dn: CN=a\nobjectClass: x\n" +
				"nTSecurityDescriptor: O:SYD:(A;;GR;;;SY)\n\n")),
			Holdings: func() (func(*objects.Item) ([]string, error), error) {
				return func(*objects.Item) ([]string, error) { return c.rights, nil }, nil
			}}
		sum := check.Must(run.Do(context.Background()))
		rows := strings.Count(out.String(), "CN=a")
		check.Equal(t, strings.Contains(out.String(), "0x00000000"), c.nothing, "%+v: a mask of 0", c)
		check.That(t, rows == c.rows && sum.Passed == c.passed, "%+v: %d rows, %d without a right\n%s", c, rows,
			sum.Passed, out.String())
	}
}
