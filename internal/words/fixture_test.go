package words_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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

// rightsOf reads rights.
func rightsOf(t *testing.T, text string) []words.Right {
	t.Helper()
	return check.Must(words.Parse(text))
}
