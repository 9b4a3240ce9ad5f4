package oracle_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// The text of a descriptor is SDDL: each field of an entry, each flag and each control bit is where MS-DTYP 2.5.1.1 has
// it.
func TestTextHasFieldsOfSDDL(t *testing.T) {
	const member, user = "bf9679c0-0de6-11d0-a285-00aa003049e2", "bf967aba-0de6-11d0-a285-00aa003049e2"
	const domain = "S-1-5-21-1-2-3"
	x, all := oracle.Claim{Name: "x", Type: "int64", Flags: 0x10, Values: []string{"1"}}, byte(0xDF)
	admins := oracle.Descriptor{Owner: "S-1-5-18", Group: domain + "-512"}
	for want, c := range map[string]struct {
		d     oracle.Descriptor
		words oracle.Words
	}{
		"":                               {},
		"O:SYG:DA":                       {admins, oracle.Words{Aliases: true, Domain: domain}},
		"O:SYG:S-1-5-21-1-2-3-512":       {admins, oracle.Words{Aliases: true}},
		"O:S-1-5-18G:S-1-5-21-1-2-3-512": {admins, oracle.Words{Domain: domain}},
		"O:S-1-5-18G:S-1-5-32-544D:NO_ACCESS_CONTROLS:": {d: oracle.Descriptor{Owner: "S-1-5-18", Group: "S-1-5-32-544",
			DACL: &oracle.ACL{Null: true}, SACL: &oracle.ACL{}}},
		"O:SYG:BAD:ARS:PAI": {d: oracle.Descriptor{Owner: "S-1-5-18", Group: "S-1-5-32-544", DACL: &oracle.ACL{},
			SACL: &oracle.ACL{}, Control: oracle.DACLAutoRequest | oracle.SACLProtected | oracle.SACLAutoInherited},
			words: oracle.Words{Aliases: true}},
		"D:(OA;OICINPIOIDSAFA;0x20;" + member + ";" + user + ";S-1-1-0)(D;;0x120089;;;S-1-5-7)": {
			d: oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{{Type: oracle.AllowObject, Flags: all, Mask: 0x20,
				SID: "S-1-1-0", Object: member, Class: user}, {Type: oracle.Deny, Mask: 0x120089, SID: "S-1-5-7"}}}}},
		"S:(ML;;NWNX;;;HI)(RA;;;;;WD;" + `("x",TI,0x10,1))`: {
			d: oracle.Descriptor{SACL: &oracle.ACL{Entries: []oracle.ACE{
				{Type: oracle.MandatoryLabel, Mask: 5, SID: "S-1-16-12288"},
				{Type: oracle.ResourceAttribute, SID: "S-1-1-0", Claim: &x}}}},
			words: oracle.Words{Aliases: true, Letters: true}},
	} {
		check.Equal(t, c.d.Text(c.words), want, "text")
	}
}

// An object entry flags the GUIDs that it has, and has them in this order (MS-DTYP 2.4.4.3). The first three fields of
// a GUID are little-endian (S-15).
func TestBytesHaveFlaggedGUIDs(t *testing.T) {
	const object, class = "00112233-4455-6677-8899-aabbccddeeff", "bf967aba-0de6-11d0-a285-00aa003049e2"
	const first, second = "33221100554477668899aabbccddeeff", "ba7a96bfe60dd011a28500aa003049e2"
	for want, a := range map[string]oracle.ACE{
		"00000000":                  {},
		"01000000" + first:          {Object: object},
		"02000000" + second:         {Class: class},
		"03000000" + first + second: {Object: object, Class: class},
	} {
		for _, typ := range []byte{5, 6, 7, 8, 0xB, 0xC, 0xF, 0x10} { // the types named …_OBJECT_ACE
			a.Type, a.Mask, a.SID = typ, 0x20, "S-1-1-0"
			d := oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{a}}}
			const mask, everyone = "20000000", "010100000000000100000000"
			check.That(t, strings.HasSuffix(d.Hex(), mask+want+everyone), "type %#x: bytes %s, want %s behind the mask",
				typ, d.Hex(), want)
		}
	}
	hexadecimal := oracle.Descriptor{Owner: "S-1-0x123456789abc-1"} // an authority of 32 bits or more (MS-DTYP 2.4.2.1)
	check.That(t, strings.HasSuffix(hexadecimal.Hex(), "0101123456789abc01000000"), "bytes %s", hexadecimal.Hex())
	other, plain := oracle.ACE{Type: oracle.AllowObject, SID: "S-1-1-0"}, oracle.ACE{SID: "S-1-1-0"}
	for i, l := range [][]oracle.ACE{{other, plain}, {plain, other}, {plain}} {
		const header, want = 20, "\x04\x04\x02" // an object entry needs revision 4 (S-16)
		got := (&oracle.Descriptor{DACL: &oracle.ACL{Entries: l}}).Bytes()[header]
		check.Equal(t, got, want[i], "S-16: revision of the list %+v", l)
	}
}
