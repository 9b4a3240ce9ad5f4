package words_test

import (
	"fmt"
	"github.com/refmon/refmon/access"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// TestDirectoryWords: masks and GUIDs as Microsoft's pages and those of the tools
// give them.
func TestDirectoryWords(t *testing.T) {
	const (
		member, membership = "bf9679c0-0de6-11d0-a285-00aa003049e2", "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
		none               = "00000000-0000-0000-0000-000000000000"
		restrictions       = "4c164200-20c0-11d0-a768-00aa006e0529"
		public             = "e48d0154-bcf8-11d1-8702-00c04fb96050"
	)
	for text, want := range map[string]string{
		"GenericAll":          "0xf01ff []",
		"ReadGMSAPassword":    "0x10 []",
		"genericwrite":        "0x20028 []",
		"GenericRead":         "0x20094 []",
		"WriteDacl":           "0x40000 []",
		"WriteOwner":          "0x80000 []",
		"AllExtendedRights":   "0x100 []",
		"Self":                "0x8 []",
		"AddMember":           "0x20 [" + none + " " + membership + " " + member + "]",
		"AddSelf":             "0x8 [" + none + " " + membership + " " + member + "]",
		"ForceChangePassword": "0x100 [" + none + " 00299570-246d-11d0-a768-00aa006e0529]",
		"DCSync": "0x100 [" + none + " 1131f6aa-9c07-11d1-f79f-00c04fc2dcd2], " +
			"0x100 [" + none + " 1131f6ad-9c07-11d1-f79f-00c04fc2dcd2]",
		"WriteSPN": "0x20 [" + none + " " + public + " f3a64788-5306-11d1-a9c5-0000f80367c1]",
		"AddKeyCredentialLink": "0x20 [" + none + " 9b026da6-0d3c-465c-8bee-5199d7165cba " +
			"5b47d60f-6090-40b2-9f37-2a4de88f3063]",
		"AddAllowedToAct": "0x20 [" + none +
			" " + restrictions + " 3f78c3e5-f79a-46bd-a0b8-9d18116ddc79]",
		"WriteAccountRestrictions":                "0x20 [" + none + " " + restrictions + "]",
		"WP:member":                               "0x20 [" + none + " " + membership + " " + member + "]",
		"WP:{" + member + "}":                     "0x20 [" + none + " " + membership + " " + member + "]",
		"CC:computer":                             "0x1 [bf967a86-0de6-11d0-a285-00aa003049e2]",
		"RP:12345678-0000-0000-0000-000000000001": "0x10 [" + none + " 12345678-0000-0000-0000-000000000001]",
		"ReadLAPSPassword:12345678-0000-0000-0000-000000000001": "0x110 [" + none + " 12345678-0000-0000-0000-000000000001]",
		"ReadProperty:displayName": "0x10 [" + none + " 59ba2f42-79a2-11d0-9020-00c04fc2d3cf " +
			"bf967953-0de6-11d0-a285-00aa003049e2]",
		"WritePublicInformation": "0x20 [" + none + " " + public + "]",
		"ExtendedRight":          "0x100 []",
		"ReadProperty":           "0x10 []",
		"WriteProperty":          "0x20 []",
		"CreateChild":            "0x1 []",
		"DeleteChild":            "0x2 []",
		"ResetPassword":          "0x100 [" + none + " 00299570-246d-11d0-a768-00aa006e0529]",
		"GetChanges":             "0x100 [" + none + " 1131f6aa-9c07-11d1-f79f-00c04fc2dcd2]",
		"GetChangesAll":          "0x100 [" + none + " 1131f6ad-9c07-11d1-f79f-00c04fc2dcd2]",

		"GetChangesInFilteredSet": "0x100 [" + none + " 89e95b76-444d-4c62-991a-0facbeda640c]",
		"SyncLAPSPassword": "0x100 [" + none + " 1131f6aa-9c07-11d1-f79f-00c04fc2dcd2], " +
			"0x100 [" + none + " 89e95b76-444d-4c62-991a-0facbeda640c]",
		"WriteGPLink":                "0x20 [" + none + " f30e3bbe-9ff0-11d1-b603-0000f80367c1]",
		"WriteAltSecurityIdentities": "0x20 [" + none + " " + public + " 00fbf30c-91fe-11d1-aebc-0000f80367c1]",
		"Enroll":                     "0x100 [" + none + " 0e10c968-78fb-11d2-90d4-00c04f79dc55]",
	} {
		rights, err := words.Parse(text)
		if err != nil || len(rights) != 1 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var parts []string
		for _, p := range rights[0].Parts(winnt.DirectoryServiceObject) {
			parts = append(parts, fmt.Sprintf("%#x %v", uint32(p.Mask), p.Types))
		}
		if got := strings.Join(parts, ", "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"ReadLAPSPassword":        "schemaIDGUID",
		"ReadGMSAPassword:member": "already says",
		"AddMember:member":        "already says",
		"WP:nosuchname":           "neither a GUID",
		"AddMembers":              "did you mean AddMember?",
		"raed":                    "did you mean read?",
		"FR|FILE_REED_EA":         `"FILE_REED_EA" is no right: did you mean FILE_READ_EA?`,
		"xyzzy":                   "the words are",
		"QQ":                      "the words are",
		"0":                       "asks for nothing",
		"":                        "",
	} {
		if _, err := words.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

// TestControl: one of the two rights is enough, and a mask that has one shows it
// (B-2).
func TestControl(t *testing.T) {
	rights, err := words.Parse("control+full")
	if err != nil || !rights[0].Any() || rights[1].Any() || len(rights[0].Parts(winnt.FileObject)) != 2 {
		t.Fatalf("%v, %v", rights, err)
	}
	for mask, want := range map[winnt.AccessMask]string{
		0x120089: "[read]", 0x160089: "[read control]", 0x80000: "[control]",
		0x1F01FF: "[read write modify full list control]",
	} {
		if got := fmt.Sprint(words.Granted(mask, winnt.FileObject)); got != want {
			t.Errorf("%v: %s, want %s", mask, got, want)
		}
	}
}

// TestTree: object types by name make one tree, property sets above their
// properties, and a class is its root.
func TestTree(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"member":                       "0:00000000 1:bc0ac240 2:bf9679c0",
		"member memberOf":              "0:00000000 1:bc0ac240 2:bf9679c0 2:bf967991",
		"memberOf displayName member":  "0:00000000 1:bc0ac240 2:bf967991 2:bf9679c0 1:59ba2f42 2:bf967953",
		"member Membership member":     "0:00000000 1:bc0ac240 2:bf9679c0",
		"member group":                 "0:bf967a9c 1:bc0ac240 2:bf9679c0",
		"group":                        "0:bf967a9c",
		"group computer":               "0:bf967a9c 1:bf967a86",
		"group User-Change-Password":   "0:bf967a9c 1:ab721a53",
		"User-Change-Password Send-As": "0:00000000 1:ab721a53 1:ab721a54",
		// A property goes below its set, which had none and others of its level behind it.
		"Membership Send-As member": "0:00000000 1:bc0ac240 2:bf9679c0 1:ab721a54",
	} {
		chains, err := words.Chains(strings.Fields(text))
		if err != nil {
			t.Fatal(err)
		}
		list := words.Tree(chains)
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%d:%.8s", e.Level, e.GUID.String()))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
		if err := access.ValidateObjectTypes(list); len(list) > 0 && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// asked writes queries: the mask, and the levels with the first digits of the types.
func asked(list []words.Query) string {
	var all []string
	for _, q := range list {
		text := fmt.Sprintf("%#x", uint32(q.Desired))
		for _, e := range q.Types {
			text += fmt.Sprintf(" %d:%.8s", e.Level, e.GUID.String())
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// TestQueries: rights together are one question; control is two of which one is enough;
// different masks on different types cannot be asked at once.
func TestQueries(t *testing.T) {
	for _, c := range []struct{ rights, types, want string }{
		{"0x1+0x2", "", "0x3"}, {"control", "", "0x40000; 0x80000"}, {"control", "member", "0x40000; 0x80000"},
		{"RP", "", "0x10"}, {"RP", "member", "0x10 0:00000000 1:bc0ac240 2:bf9679c0"},
		{"RP", "member displayName", "0x10 0:00000000 1:bc0ac240 2:bf9679c0 1:59ba2f42 2:bf967953"},
		{"WP:member", "", "0x20 0:00000000 1:bc0ac240 2:bf9679c0"},
		{"WP:member", "displayName", "0x20 0:00000000 1:bc0ac240 2:bf9679c0"}, // it names its own type
		{"WP:member+WP:displayName", "", "0x20 0:00000000 1:bc0ac240 2:bf9679c0 1:59ba2f42 2:bf967953"},
		{"WP:member+RP:displayName", "", "error: these rights ask for different masks"},
		{"WP:member+RP:member", "", "error: these rights ask for different masks"},
		{"WP:member+RP", "", "error: these rights ask for different masks"},
		{"RP+WP:member", "", "error: these rights ask for different masks"},
		{"RP+WP", "member", "error: these rights ask for different masks"},
		{"control+read", "", "error: control is one of two rights"},
		{"read+control", "", "error: control is one of two rights"}, {"DCSync", "", "0x100 0:00000000 1:1131f6aa 1:1131f6ad"},
	} {
		rights, err := words.Parse(c.rights)
		if err != nil {
			t.Fatal(err)
		}
		chains, err := words.Chains(strings.Fields(c.types))
		if err != nil {
			t.Fatal(err)
		}
		list, err := words.Queries(rights, chains, winnt.DirectoryServiceObject)
		got := asked(list)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want && !(strings.HasPrefix(c.want, "error") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s on %q: %s, want %s", c.rights, c.types, got, c.want)
		}
	}
	if _, err := words.Chains([]string{"member", "nosuchname"}); err == nil {
		t.Error("an object type that does not exist was read")
	}
}

// TestMasks: a word means on each type of object what its generic mapping says.
func TestMasks(t *testing.T) {
	for text, want := range map[string][2]winnt.AccessMask{ // of a file, of a key
		"read": {0x120089, 0x20019}, "write": {0x120116, 0x20006}, "modify": {0x1301BF, 0x3001F}, "full": {0x1F01FF, 0xF003F},
		"list": {0x1200A9, 0x20019}, "control": {0xC0000, 0xC0000}, "0x3": {3, 3}, "CCDC": {3, 3},
	} {
		rights, err := words.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got := [2]winnt.AccessMask{rights[0].Mask(winnt.FileObject), rights[0].Mask(winnt.KeyObject)}
		if got != want || rights[0].Name != text {
			t.Errorf("%s is %s: %#x, want %#x", text, rights[0].Name, got, want)
		}
	}
	for mask, want := range map[winnt.AccessMask]string{0: "[]", 0x20019: "[read list]", 0x20018: "[]",
		0x2001F: "[read write list]",
		0x3001F: "[read write modify list]", 0xF003F: "[read write modify full list control]", 0x3001E: "[write]"} {
		if got := fmt.Sprint(words.Granted(mask, winnt.KeyObject)); got != want {
			t.Errorf("%#x of a key: %s, want %s", uint32(mask), got, want)
		}
	}
}
