package words_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

func TestParseErrorsSuggestWords(t *testing.T) {
	for text, want := range map[string]string{
		"ReadLAPSPassword":        "schemaIDGUID",
		"ReadGMSAPassword:member": "already includes",
		"AddMember:member":        "already includes",
		"WP:nosuchname":           "neither a GUID",
		"AddMembers":              "did you mean AddMember?",
		"raed":                    "did you mean read?",
		"FR|FILE_REED_EA":         `unknown right "FILE_REED_EA": did you mean FILE_READ_EA?`,
		"read++write":             `rights "read++write": a right is missing before or after "+"`,
		"FR|":                     `rights "FR|": a right is missing before or after "|" or ","`,
		"FR| ":                    `rights "FR| ": a right is missing before or after "|" or ","`,
		",read":                   `rights ",read": a right is missing before or after "|" or ","`,
		"read|write":              `"read|write": read is a word: join words with +, as in read+write`,
		"FILE_READ_DATA|Write":    "Write is a word: join words with +, as in FILE_READ_DATA+Write",
		"read,DELETE":             "as in read+DELETE",
		"xyzzy":                   "the words are",
		"QQ":                      ", and for a directory those of docs/bulk.md, such as AddMember",
		"0":                       "is empty",
		"":                        "",
	} {
		_, err := words.Parse(text)
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%q: %v, want %q in it", text, err, want)
	}
}

// One of the two rights is enough, and a mask that has one shows it (B-2).
func TestEitherRightIsControl(t *testing.T) {
	rights, err := words.Parse("control+full")
	check.RequireThat(t, err == nil && rights[0].Any() && !rights[1].Any() && len(rights[0].Parts(winnt.FileObject)) == 2,
		"%v, %v", rights, err)
	for mask, want := range map[winnt.AccessMask]string{
		0x120089: "[read]", 0x160089: "[read control]", 0x80000: "[control]",
		0x1F01FF: "[read write modify full list control]",
	} {
		check.Equal(t, fmt.Sprint(words.Granted(mask, winnt.FileObject)), want, "%v", mask)
	}
}

// A person reads words in place of masks, and names of the other rights (B-115). The words of a file are those of its
// generic mapping in spec/: read 0x120089, write 0x120116, execute 0x1200a0.
func TestMaskPrintsAsRightWords(t *testing.T) {
	for _, c := range []struct {
		m, held winnt.AccessMask
		typ     *winnt.ObjectType
		want    string
	}{
		{0, 0x1F01FF, winnt.FileObject, "-"},
		{0x120089, 0x120089, winnt.FileObject, "read"},
		{0x1F01FF, 0x1F01FF, winnt.FileObject, "full"},
		{0x1301BF, 0x1301BF, winnt.FileObject, "modify"},
		{0x1200A9, 0x1200A9, winnt.FileObject, "read, FILE_EXECUTE"},
		{0x1200A9, 0x1200A9, winnt.DirectoryFileObject, "list"},
		{0x12019F, 0x12019F, winnt.FileObject, "read, write"},
		{0x116, 0x12019F, winnt.FileObject, "write"}, // the user already held the rights of read
		{0x6, 0x6, winnt.FileObject, "FILE_WRITE_DATA|FILE_APPEND_DATA"},
		{0x116, 0x100116, winnt.FileObject, "FILE_WRITE_DATA|FILE_APPEND_DATA|FILE_WRITE_EA|FILE_WRITE_ATTRIBUTES"},
		{0x110136, 0x1301BF, winnt.FileObject, "write, FILE_EXECUTE|DELETE"},
		{0x120000, 0x1F01FF, winnt.FileObject, "READ_CONTROL|SYNCHRONIZE"},
		{0x60000, 0x60000, winnt.FileObject, "READ_CONTROL|WRITE_DAC"},
		{2, 0x1F01FF, winnt.DirectoryFileObject, "FILE_ADD_FILE"},
		{0x2001F, 0x2001F, winnt.KeyObject, "read, write"},
		{0x20000, 0x20000, winnt.SymbolicLinkObject, "READ_CONTROL"}, // write means only READ_CONTROL on this type
	} {
		check.Equal(t, words.Names(c.m, c.held, c.typ), c.want, "%v of %v", c.m, c.held)
	}
}

// A word means on each type of object the rights of its generic mapping.
func TestWordsMapByObjectType(t *testing.T) {
	for text, want := range map[string][2]winnt.AccessMask{ // of a file, of a key
		"read": {0x120089, 0x20019}, "write": {0x120116, 0x20006}, "modify": {0x1301BF, 0x3001F}, "full": {0x1F01FF, 0xF003F},
		"list": {0x1200A9, 0x20019}, "control": {0xC0000, 0xC0000}, "0x3": {3, 3}, "CCDC": {3, 3},
	} {
		rights := check.Must(words.Parse(text))
		got := [2]winnt.AccessMask{rights[0].Mask(winnt.FileObject), rights[0].Mask(winnt.KeyObject)}
		check.That(t, got == want && rights[0].Name == text, "%s is %s: %#x, want %#x", text, rights[0].Name, got, want)
	}
	for mask, want := range map[winnt.AccessMask]string{0: "[]", 0x20019: "[read list]", 0x20018: "[]",
		0x2001F: "[read write list]",
		0x3001F: "[read write modify list]", 0xF003F: "[read write modify full list control]", 0x3001E: "[write]"} {
		check.Equal(t, fmt.Sprint(words.Granted(mask, winnt.KeyObject)), want, "%#x of a key", uint32(mask))
	}
}

// A right can be restricted to types, or to objects of a class, and keeps its name and types. control and
// ReadGMSAPassword do not change.
func TestRightRestrictedToClassKeepsName(t *testing.T) {
	ds := winnt.DirectoryServiceObject
	class := check.Must(winnt.ParseGUID(userGUID))
	chains := check.Must(words.Chains([]string{"member", "gPLink"}))
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

// A word without rights on a type is granted by no mask.
func TestWordWithoutRightsIsNotGranted(t *testing.T) {
	for _, m := range []winnt.AccessMask{0, 1, 0x1FFFFF, 0xFFFFFFFF} {
		var want []string
		if m&winnt.DELETE != 0 { // the only right of modify on this type
			want = []string{"modify"}
		}
		if m&(winnt.WRITE_DAC|winnt.WRITE_OWNER) != 0 {
			want = append(want, "control")
		}
		got := words.Granted(m, new(winnt.ObjectType))
		check.That(t, slices.Equal(got, want), "%v grants %q, want %q", m, got, want)
	}
}
