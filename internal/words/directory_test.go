package words_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// Masks and GUIDs as Microsoft's pages and those of the tools give them. Hyphens and blanks do not count (B-81).
func TestDirectoryWordsHaveDocumentedGUIDs(t *testing.T) {
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
		"add-member":          "0x20 [" + none + " " + membership + " " + member + "]",
		"Add Member":          "0x20 [" + none + " " + membership + " " + member + "]",
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
		check.Equal(t, strings.Join(parts, ", "), want, "%s", text)
	}
}

// TestDirectoryWordsHaveDocumentedMasks checks that each word of audit tools has the mask and the types that Microsoft
// and the tools document, in upper and lower case. Only one word is about another descriptor.
func TestDirectoryWordsHaveDocumentedMasks(t *testing.T) {
	on := func(mask string, guids ...string) string {
		return mask + " " + strings.Join(append([]string{object}, guids...), " ")
	}
	for name, want := range map[string]string{
		"GenericAll": "0xf01ff", "GenericRead": "0x20094", "GenericWrite": "0x20028", "AllExtendedRights": "0x100",
		"ExtendedRight": "0x100", "Self": "0x8", "ReadProperty": "0x10", "WriteProperty": "0x20", "CreateChild": "0x1",
		"DeleteChild": "0x2", "WriteDacl": "0x40000", "WriteOwner": "0x80000",
		"AddMember": on("0x20", membershipGUID, memberGUID), "AddSelf": on("0x8", membershipGUID, memberGUID),
		"ForceChangePassword": on("0x100", passwordGUID), "ResetPassword": on("0x100", passwordGUID),
		"GetChanges": on("0x100", changesGUID), "GetChangesAll": on("0x100", changesAllGUID),
		"GetChangesInFilteredSet":    on("0x100", filteredGUID),
		"DCSync":                     on("0x100", changesGUID) + "; " + on("0x100", changesAllGUID),
		"SyncLAPSPassword":           on("0x100", changesGUID) + "; " + on("0x100", filteredGUID),
		"WriteSPN":                   on("0x20", publicGUID, spnGUID),
		"AddKeyCredentialLink":       on("0x20", keySetGUID, keyGUID),
		"AddAllowedToAct":            on("0x20", accountGUID, actGUID),
		"WriteAccountRestrictions":   on("0x20", accountGUID),
		"WritePublicInformation":     on("0x20", publicGUID),
		"WriteAltSecurityIdentities": on("0x20", publicGUID, altGUID),
		"WriteGPLink":                on("0x20", linkGUID), "Enroll": on("0x100", enrollGUID),
		"ReadLAPSPassword:" + lapsOfSomebody: on("0x110", lapsOfSomebody), "ReadGMSAPassword": "0x10",
	} {
		for _, text := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
			rights, err := words.Parse(text)
			if err != nil || len(rights) != 1 || partsText(rights[0], winnt.DirectoryServiceObject) != want {
				t.Errorf("%s: %v, %v, want %s", text, rights, err, want)
				continue
			}
			if r := rights[0]; r.Managed() != (name == "ReadGMSAPassword") || r.Any() ||
				!strings.Contains(name, ":") && r.Name != name {
				t.Errorf("%s: %q, managed %t, one of them is enough %t", text, r.Name, r.Managed(), r.Any())
			}
		}
	}
	for text, want := range map[string]string{
		"ReadLAPSPassword":      "its attributes have GUIDs of each forest's own",
		"DCSync:member":         "this word already includes its object type",
		"ReadGMSAPassword:user": "this word already includes its object type",
		"AddMember:member":      "this word already includes its object type", "WP:": "neither a GUID nor the name",
		"WP:nothing": "neither a GUID nor the name", "0": "it is empty", "0:member": "it is empty",
		"AddMembr": `unknown right "AddMembr": did you mean AddMember?`, "raed": `did you mean read?`,
		"WP|raed":  `unknown right "raed": did you mean read?`,
		"zzzzzzzz": "the words are read, write, modify, full, list, control",
		"":         "the words are", "read+": "a right is missing",
	} {
		if r, err := words.Parse(text); err == nil || !strings.Contains(err.Error(), want) || r != nil {
			t.Errorf("%q: %v, %v, want %s", text, r, err, want)
		}
	}
}

// TestBulkPageListsWords checks that docs/bulk.md, which the error of an unknown right names, has every word.
func TestBulkPageListsWords(t *testing.T) {
	page := string(check.Must(os.ReadFile("../../docs/bulk.md")))
	_, page, _ = strings.Cut(page, "## Rights")
	for _, word := range words.All() {
		check.That(t, regexp.MustCompile(`\b`+word+`\b`).MatchString(page), "docs/bulk.md does not name %s", word)
	}
}

// TestDirectoryMaskPrintsAsWords checks that all rights have one word, and other masks the words of their parts. A bit
// without a word has its name (B-118).
func TestDirectoryMaskPrintsAsWords(t *testing.T) {
	for mask, want := range map[winnt.AccessMask]string{
		0xF01FF: "GenericAll",
		0xF01EF: "AllExtendedRights, Self, WriteProperty, CreateChild, DeleteChild, WriteDacl, " +
			"WriteOwner, ADS_RIGHT_ACTRL_DS_LIST, ADS_RIGHT_DS_DELETE_TREE, ADS_RIGHT_DS_LIST_OBJECT, DELETE, READ_CONTROL",
		0x20: "WriteProperty", 0x30: "ReadProperty, WriteProperty",
		0x108:   "AllExtendedRights, Self",
		0x20004: "ADS_RIGHT_ACTRL_DS_LIST, READ_CONTROL", 0x1F01FF: "GenericAll, SYNCHRONIZE", 0: "",
	} {
		check.Equal(t, strings.Join(words.Directory(mask), ", "), want, "%#x", uint32(mask))
	}
}
