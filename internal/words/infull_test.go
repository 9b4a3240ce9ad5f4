package words_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// GUIDs of MS-ADA, MS-ADSC and MS-ADTS 5.1.3.2.1.
const (
	object         = "00000000-0000-0000-0000-000000000000"
	memberGUID     = "bf9679c0-0de6-11d0-a285-00aa003049e2"
	membershipGUID = "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
	passwordGUID   = "00299570-246d-11d0-a768-00aa006e0529"
	spnGUID        = "f3a64788-5306-11d1-a9c5-0000f80367c1"
	publicGUID     = "e48d0154-bcf8-11d1-8702-00c04fb96050"
	keyGUID        = "5b47d60f-6090-40b2-9f37-2a4de88f3063"
	keySetGUID     = "9b026da6-0d3c-465c-8bee-5199d7165cba"
	actGUID        = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
	accountGUID    = "4c164200-20c0-11d0-a768-00aa006e0529"
	altGUID        = "00fbf30c-91fe-11d1-aebc-0000f80367c1"
	linkGUID       = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
	changesGUID    = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
	changesAllGUID = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
	filteredGUID   = "89e95b76-444d-4c62-991a-0facbeda640c"
	enrollGUID     = "0e10c968-78fb-11d2-90d4-00c04f79dc55"
	userGUID       = "bf967aba-0de6-11d0-a285-00aa003049e2"
	groupGUID      = "bf967a9c-0de6-11d0-a285-00aa003049e2"
	lapsOfSomebody = "12345678-0000-0000-0000-000000000001"
	attributeOfOwn = "12345678-0000-0000-0000-000000000002"
)

// partsText returns the parts of a right in a line: each mask, and its chain below the object.
func partsText(r words.Right, t *winnt.ObjectType) string {
	var out []string
	for _, p := range r.Parts(t) {
		text := p.Mask.String()
		for _, g := range p.Types {
			text += " " + g.String()
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// TestDirectoryWordsInFull: each word of auditors has the mask and the types that Microsoft's pages and
// those of the tools give it, in any case, and none but one asks another descriptor.
func TestDirectoryWordsInFull(t *testing.T) {
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
		"DCSync:member":         "the word already says what it is about",
		"ReadGMSAPassword:user": "the word already says what it is about",
		"AddMember:member":      "the word already says what it is about", "WP:": "neither a GUID nor the name",
		"WP:nothing": "neither a GUID nor the name", "0": "it asks for nothing", "0:member": "it asks for nothing",
		"AddMembr": `"AddMembr" is no right: did you mean AddMember?`, "raed": `did you mean read?`,
		"WP|raed":  `"raed" is no right: did you mean read?`,
		"zzzzzzzz": "the words are read, write, modify, full, list, control",
		"":         "the words are", "read+": "the words are",
	} {
		if r, err := words.Parse(text); err == nil || !strings.Contains(err.Error(), want) || r != nil {
			t.Errorf("%q: %v, %v, want %s", text, r, err, want)
		}
	}
}

// TestChainsInFull: a name or a GUID stands below the object and its property set; a class is the root,
// also of what is named before it, and a second class stands below the first.
func TestChainsInFull(t *testing.T) {
	for names, want := range map[string]string{
		"member":            object + " " + membershipGUID + " " + memberGUID,
		memberGUID:          object + " " + membershipGUID + " " + memberGUID,
		"{" + spnGUID + "}": object + " " + publicGUID + " " + spnGUID, publicGUID: object + " " + publicGUID,
		"Public-Information": object + " " + publicGUID, attributeOfOwn: object + " " + attributeOfOwn,
		passwordGUID: object + " " + passwordGUID, userGUID: userGUID, "user": userGUID, "": "",
		"member user":        userGUID + " " + membershipGUID + " " + memberGUID,
		"user member":        userGUID + " " + membershipGUID + " " + memberGUID,
		"user group":         userGUID + " " + groupGUID,
		"group user":         groupGUID + " " + userGUID,
		"member " + linkGUID: object + " " + membershipGUID + " " + memberGUID + "; " + object + " " + linkGUID,
	} {
		chains, err := words.Chains(strings.Fields(names))
		var got []string
		for _, chain := range chains {
			var guids []string
			for _, g := range chain {
				guids = append(guids, g.String())
			}
			got = append(got, strings.Join(guids, " "))
		}
		if err != nil || strings.Join(got, "; ") != want {
			t.Errorf("%s: %v, %v, want %s", names, got, err, want)
		}
	}
	for _, names := range []string{"nothing", "user nothing", "bf9679c0"} {
		if chains, err := words.Chains(strings.Fields(names)); !errors.Is(err, words.ErrNoType) || chains != nil {
			t.Errorf("%s: %v, %v", names, chains, err)
		}
	}
}

// treeText returns an object type list in a line: levels and GUIDs.
func treeText(list []access.ObjectTypeEntry) string {
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprint(e.Level, " ", e.GUID))
	}
	return strings.Join(out, ", ")
}

// rightsOf reads rights.
func rightsOf(t *testing.T, text string) []words.Right {
	t.Helper()
	rights, err := words.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return rights
}

// TestTreesInFull: types with one root share it and their property sets; another root hangs below the
// first; nothing is there twice, and a list is one that a check takes.
func TestTreesInFull(t *testing.T) {
	for names, want := range map[string]string{
		"":              "",
		"member":        "0 " + object + ", 1 " + membershipGUID + ", 2 " + memberGUID,
		"member member": "0 " + object + ", 1 " + membershipGUID + ", 2 " + memberGUID,
		"servicePrincipalName altSecurityIdentities": "0 " + object +
			", 1 " + publicGUID + ", 2 " + spnGUID + ", 2 " + altGUID,
		"servicePrincipalName member altSecurityIdentities": "0 " + object + ", 1 " + publicGUID + ", 2 " + spnGUID +
			", 2 " + altGUID + ", 1 " + membershipGUID + ", 2 " + memberGUID,
		"group member": "0 " + groupGUID + ", 1 " + membershipGUID + ", 2 " + memberGUID,
	} {
		chains, err := words.Chains(strings.Fields(names))
		if err != nil {
			t.Fatal(err)
		}
		list := words.Tree(chains)
		if err := access.ValidateObjectTypes(list); err != nil || treeText(list) != want {
			t.Errorf("%s: %s, %v, want %s", names, treeText(list), err, want)
		}
	}
	guid := func(text string) winnt.GUID {
		g, err := winnt.ParseGUID(text)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	two := words.Tree([][]winnt.GUID{{guid(userGUID), guid(passwordGUID)}, {guid(groupGUID), guid(memberGUID)}})
	if want := "0 " + userGUID + ", 1 " + passwordGUID + ", 1 " + groupGUID + ", 2 " + memberGUID; treeText(two) != want {
		t.Errorf("two roots: %s, want %s", treeText(two), want)
	}
}

// TestRightsOnObjects: a right is asked about types, or about an object of a class, with its name and
// the types that it had; control and what another descriptor decides stay as they are.
func TestRightsOnObjects(t *testing.T) {
	ds := winnt.DirectoryServiceObject
	class, err := winnt.ParseGUID(userGUID)
	if err != nil {
		t.Fatal(err)
	}
	chains, err := words.Chains([]string{"member", "gPLink"})
	if err != nil {
		t.Fatal(err)
	}
	const onMember, onLink = object + " " + membershipGUID + " " + memberGUID, object + " " + linkGUID
	for text, want := range map[string]struct{ on, rooted string }{
		"WriteProperty": {"0x20 " + onMember + "; 0x20 " + onLink, "0x20 " + userGUID},
		"WriteSPN": {"0x20 " + object + " " + publicGUID + " " + spnGUID,
			"0x20 " + userGUID + " " + publicGUID + " " + spnGUID},
		"read":             {"0x20094 " + onMember + "; 0x20094 " + onLink, "0x20094 " + userGUID},
		"control":          {"0x40000; 0x80000", "0x40000; 0x80000"},
		"ReadGMSAPassword": {"0x10", "0x10"},
		"CC:group":         {"0x1 " + groupGUID, "0x1 " + userGUID},
		"DCSync": {"0x100 " + object + " " + changesGUID + "; 0x100 " + object + " " + changesAllGUID,
			"0x100 " + userGUID + " " + changesGUID + "; 0x100 " + userGUID + " " + changesAllGUID},
	} {
		r := rightsOf(t, text)[0]
		before := partsText(r, ds)
		on, rooted := r.On(chains, ds), r.Rooted(class, ds)
		for what, c := range map[string]struct {
			got  words.Right
			want string
		}{"on types": {on, want.on}, "of a class": {rooted, want.rooted}, "on no types": {r.On(nil, ds), before},
			"of no class": {r.Rooted(winnt.GUID{}, ds), before}} {
			if got := partsText(c.got, ds); got != c.want || c.got.Name != r.Name || c.got.Managed() != r.Managed() ||
				c.got.Any() != r.Any() {
				t.Errorf("%s %s: %q %s, managed %t, want %s", text, what, c.got.Name, got, c.got.Managed(), c.want)
			}
		}
		if partsText(r, ds) != before {
			t.Errorf("%s became %s", text, partsText(r, ds))
		}
	}
}

// TestNothingIsGranted: a word that stands for no right on a type is granted by no mask.
func TestNothingIsGranted(t *testing.T) {
	for _, m := range []winnt.AccessMask{0, 1, 0x1FFFFF, 0xFFFFFFFF} {
		var want []string
		if m&winnt.DELETE != 0 { // which modify asks for on every type
			want = []string{"modify"}
		}
		if m&(winnt.WRITE_DAC|winnt.WRITE_OWNER) != 0 {
			want = append(want, "control")
		}
		if got := words.Granted(m, new(winnt.ObjectType)); !slices.Equal(got, want) {
			t.Errorf("%v grants %q, want %q", m, got, want)
		}
	}
}

// TestDivideInFull: parts about the same types are one group, each right knows its places in the
// groups, and no two parts share a place.
func TestDivideInFull(t *testing.T) {
	groups, places := words.Divide(rightsOf(t, "RC+DCSync+WP:member+RP:member+WD+CR:DS-Replication-Get-Changes"),
		winnt.DirectoryServiceObject)
	var got []string
	for _, g := range groups {
		got = append(got, treeText(g.Types)+": "+fmt.Sprint(g.Masks))
	}
	want := []string{": [0x20000 0x40000]", "0 " + object + ", 1 " + changesGUID + ": [0x100 0x100]",
		"0 " + object + ", 1 " + changesAllGUID + ": [0x100]",
		"0 " + object + ", 1 " + membershipGUID + ", 2 " + memberGUID + ": [0x20 0x10]"}
	if !slices.Equal(got, want) {
		t.Errorf("groups %q, want %q", got, want)
	}
	if text := fmt.Sprint(places); text != "[[{0 0}] [{1 0} {2 0}] [{3 0}] [{3 1}] [{0 1}] [{1 1}]]" {
		t.Errorf("places %s", text)
	}
}
