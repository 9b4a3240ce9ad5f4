package sharphound

import (
	"archive/zip"
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const users = `{"data":[{"Aces":[
{"PrincipalSID":"S-1-5-21-1-2-3-2001","PrincipalType":"Group","RightName":"ForceChangePassword","IsInherited":true},
{"PrincipalSID":"CORP.TEST-S-1-5-32-544","PrincipalType":"Group","RightName":"GenericAll","IsInherited":false},
{"PrincipalSID":"S-1-5-21-1-2-3-1109","PrincipalType":"User","RightName":"Owns","IsInherited":false},
{"PrincipalSID":"S-1-5-21-1-2-3-512","PrincipalType":"Group","RightName":"Owns","IsInherited":false},
{"PrincipalSID":"S-1-5-21-1-2-3-1109","PrincipalType":"User","RightName":"ReadLAPSPassword","IsInherited":false},
{"PrincipalSID":"S-1-5-21-1-2-3-1109","PrincipalType":"User","RightName":"ManageCA","IsInherited":false},
{"PrincipalSID":"CORP","PrincipalType":"User","RightName":"GenericAll","IsInherited":false}],
"ObjectIdentifier":"S-1-5-21-1-2-3-1107","IsDeleted":false,"IsACLProtected":true,
"Properties":{"name":"HELEN@CORP.TEST","samaccountname":"helen","distinguishedname":"CN=HELEN,DC=CORP,DC=TEST"}},
{"Aces":[{"PrincipalSID":"S-1-1-0","RightName":"Owns"}],
"ObjectIdentifier":"S-1-5-21-1-2-3-1108","IsDeleted":true,"Properties":{}}],
"meta":{"methods":262143,"type":"users","count":2,"version":6}}`

const domains = `{"data":[{"Aces":[
{"PrincipalSID":"S-1-5-21-1-2-3-1107","PrincipalType":"User","RightName":"GetChanges","IsInherited":false}],
"ObjectIdentifier":"S-1-5-21-1-2-3","Properties":{"name":"CORP.TEST"}}],
"meta":{"type":"domains","count":1,"version":6}}`

// rows returns each object as name, SID, last class and SDDL, and what the files do not have.
func rows(t *testing.T, file []byte) (list []string, loss string, err error) {
	t.Helper()
	s := New(bytes.NewReader(file))
	loss = objects.Loss(s)
	err = objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
		row := i.Path + " " + i.Entry.SID.String() + " " + i.Entry.Classes[len(i.Entry.Classes)-1]
		if i.Err != nil {
			row += " error: " + i.Err.Error()
		} else if text, err := sddl.Format(i.Descriptor, sddl.Options{}); err == nil {
			row += " " + text
		}
		check.That(t, i.Type == winnt.DirectoryServiceObject && i.Note == objects.NoteCollected,
			"%s: type %v, note %v", i.Path, i.Type, i.Note)
		list = append(list, row)
		return true
	})
	return list, loss, err
}

// Each right is an entry with the mask and GUID of Microsoft's pages of extended rights, and the owner is Owns.
// Rights without an entry are counted (B-63).
func TestAcesBecomeEntries(t *testing.T) {
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	for name, text := range map[string]string{"1_users.json": "\xef\xbb\xbf" + users, "1_domains.json": domains,
		"1_sessions.json": `{"data":[],"meta":{"type":"sessions","version":6}}`} {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		check.NoError(t, err)
	}
	check.NoError(t, w.Close())
	helen := "CN=HELEN,DC=CORP,DC=TEST S-1-5-21-1-2-3-1107 user O:S-1-5-21-1-2-3-512D:P" +
		"(OA;ID;CR;00299570-246d-11d0-a768-00aa006e0529;;S-1-5-21-1-2-3-2001)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"
	root := "CORP.TEST  domainDNS D:(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;S-1-5-21-1-2-3-1107)"
	got, loss, err := rows(t, z.Bytes())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{helen, root}) {
		t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join([]string{helen, root}, "\n"))
	}
	check.That(t, strings.Contains(loss, "left out: 1 ManageCA, 1 ReadLAPSPassword, 1 entries without a SID."),
		"the files do not have: %s", loss)
}

// A file that is not a collector's, cut or without objects is an error.
func TestUnreadableFilesAreErrors(t *testing.T) {
	for text, want := range map[string]string{
		users[:len(users)-30]: "line", `{"data":[]}`: "meta", `{"data":{},"meta":{"type":"users","version":6}}`: "line 1",
		`{"data":[],"meta":{"type":"users","version":6}}`:           "no objects with Aces",
		`{"data":[{}],"meta":{"type":"users","version":3}}`:         "versions 4 to 6",
		`{"data":[{}],"meta":{"type":"users","version":7}}`:         "versions 4 to 6",
		`{"data":[{"Aces":1}],"meta":{"type":"users","version":6}}`: "line 1", "PK\x03\x04": "zip",
	} {
		got, loss, err := rows(t, []byte(text))
		check.That(t, err != nil && strings.Contains(err.Error(), want) && loss == "", "%.40s: %q, %q, %v, want %s", text,
			got, loss, err, want)
	}
	long := strings.ReplaceAll(domains, "GetChanges", strings.Repeat("R", 41))
	_, loss, _ := rows(t, []byte(long))
	check.That(t, strings.Contains(loss, "left out: 1 rights with long names."), "the files do not have: %s", loss)
	many := strings.Repeat(`{"PrincipalSID":"S-1-1-0","RightName":"GenericAll"},`, maxEntries)
	text := `{"data":[{"Aces":[` + many + `{}],"ObjectIdentifier":"S-1-5-18"}],"meta":{"type":"users","version":6}}`
	if got, _, err := rows(t, []byte(text)); err != nil || len(got) != 1 || !strings.Contains(got[0], "error: ") {
		t.Errorf("too many entries: %q, %v", got, err)
	}
}

// A collector's file is known by its first name.
func TestIsDetectsCollectorFiles(t *testing.T) {
	for text, want := range map[string]bool{users: true, "\n" + domains: true, `{"meta":{}}`: true,
		"PK\x03\x04": true, `{"path":"a","sd":"D:"}`: false, "": false, "[]": false, "{": false, `{"data`: false} {
		check.Equal(t, Is([]byte(text)), want, "%.20q", text)
	}
}
