package message

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// parse returns the bytes of hexadecimal digits with blanks.
func parse(t testing.TB, text string) []byte {
	t.Helper()
	return check.Must(hex.DecodeString(strings.Join(strings.Fields(text), "")))
}

// samples are messages and what Rebuild returns for them. "same" stands for the message itself. Lengths of four octets
// are those of Active Directory.
var samples = []struct{ name, raw, want string }{
	{"a bind's result", "300c 020101 6107 0a0100 0400 0400", "same"},
	{"the same in Active Directory's form", "3084 00000010 020101 6184 00000007 0a0100 0400 0400",
		"300c 020101 6107 0a0100 0400 0400"},
	{"an entry", "301a 020102 6415 0403 636e3d 300e 300c 0402 6f75 3106 0401 61 0401 62", "same"},
	{"an entry without attributes", "300c 020102 6407 0403 636e3d 3000", "same"},
	{"an attribute without values", "3013 020102 640e 0400 300a 3008 0404 636e3d61 3100", "same"},
	{"an integer with a zero in front", "300d 02020001 6107 0a0100 0400 0400",
		"300c 020101 6107 0a0100 0400 0400"},
	{"an integer that needs its zero", "300d 02020080 6107 0a0100 0400 0400", "same"},
	{"credentials of a bind", "3013 020101 610e 0a010e 0401 61 0402 6263 8702 7879", "same"},
	{"a page that is none", "302b 020103 6507 0a0100 0400 0400 a01d 301b" +
		"0416 312e322e3834302e3131333535362e312e342e333139 0401 00",
		""},
	{"a page", "3031 020103 6507 0a0100 0400 0400 a023 3021" +
		"0416 312e322e3834302e3131333535362e312e342e333139 0407 3005 020100 0400",
		"same"},
	{"a page in a longer form", "3036 020103 6507 0a0100 0400 0400 a028 3026" +
		"0416 312e322e3834302e3131333535362e312e342e333139 040c 3084 00000006 020100 0401 61",
		"3032 020103 6507 0a0100 0400 0400 a024 3022" +
			"0416 312e322e3834302e3131333535362e312e342e333139 0408 3006 020100 0401 61"},
	{"another control", "3016 020103 6507 0a0100 0400 0400 a008 3006 0401 31 0101 ff",
		"300c 020103 6507 0a0100 0400 0400"},
	{"no control", "300e 020103 6507 0a0100 0400 0400 a000", "300c 020103 6507 0a0100 0400 0400"},
	{"a critical page", "3034 020103 6507 0a0100 0400 0400 a026 3024" +
		"0416 312e322e3834302e3131333535362e312e342e333139 0101ff 0407 3005 020100 0400",
		"same"},
	{"a page that is not critical", "3034 020103 6507 0a0100 0400 0400 a026 3024" +
		"0416 312e322e3834302e3131333535362e312e342e333139 010100 0407 3005 020100 0400",
		"same"},
	{"a referral without links", "300e 020103 6509 0a010a 0400 0400 a300", "300c 020103 6507 0a010a 0400 0400"},
	{"a result with a referral", "3011 020103 650c 0a010a 0400 0400 a303 0401 61",
		"300c 020103 6507 0a010a 0400 0400"},
	{"a reference", "3008 020103 7303 0401 61", "nothing"},
	{"an unsolicited notification", "3011 020100 780c 0a0134 0400 0400 8a03 312e33", "same"},
}

// TestRebuildRestoresMessage splits messages, passes the answer through its encoding, and rebuilds them (D-39).
func TestRebuildRestoresMessage(t *testing.T) {
	for _, c := range samples {
		raw := parse(t, c.raw)
		m, err := Split(raw)
		if c.want == "" {
			check.That(t, errors.Is(err, ErrInvalid), "D-39: %s: %+v, %v, want %v", c.name, m, err, ErrInvalid)
			continue
		}
		if err != nil {
			t.Errorf("D-39: %s: %v", c.name, err)
			continue
		}
		text, err := m.MarshalAnswer()
		check.NoError(t, err)
		again, err := ReadAnswer(text, raw)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("D-39: %s: read %+v, %v, want %+v", c.name, again, err, m)
			continue
		}
		want := raw
		switch c.want {
		case "same":
		case "nothing":
			want = nil
		default:
			want = parse(t, c.want)
		}
		if got, err := again.Rebuild(raw); err != nil || !bytes.Equal(got, want) {
			t.Errorf("D-39: %s: rebuilt %x, %v, want %x", c.name, got, err, want)
		}
	}
}

// TestSplitRejectsMalformedLDAPMessages splits bytes that are not a server's message.
func TestSplitRejectsMalformedLDAPMessages(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a tag alone": "30", "a set": "310c 020101 6107 0a0100 0400 0400",
		"a length without end":    "3080 020101 6107 0a0100 0400 0400 0000",
		"a length of five octets": "3085 000000000c 020101 6107 0a0100 0400 0400",
		"half a length":           "300c 020101 6107 0a0100 0400 0482",
		"a longer content":        "300d 020101 6107 0a0100 0400 0400",
		"trailing bytes":          "300c 020101 6107 0a0100 0400 0400 00",
		"a request":               "3007 020101 4a02 6364",
		"an intermediate answer":  "3005 020101 7900",
		"a negative number":       "300c 020180 6107 0a0100 0400 0400",
		"a number of five bytes":  "3010 02050100000000 6107 0a0100 0400 0400",
		"a number without bytes":  "300b 0200 6107 0a0100 0400 0400",
		"no text":                 "300a 020101 6105 0a0100 0400",
		"another part":            "300e 020101 6109 0a0100 0400 0400 8900",
		"an integer as a value":   "3014 020102 640f 0400 300b 3009 0402 6f75 3103 020101",
		"bytes after the entry":   "300e 020102 6409 0403 636e3d 3000 0400",
		"bytes after the values":  "3013 020102 640e 0400 300a 3008 0402 6f75 3100 0400",
		"a boolean without bytes": "3015 020103 6507 0a0100 0400 0400 a007 3005 0401 31 0100",
		"a boolean of two bytes":  "3017 020103 6507 0a0100 0400 0400 a009 3007 0401 31 0102 ffff",
		"a value beyond its set":  "3013 020102 640e 0400 300a 3008 0401 6f 3102 0401 61",
		"bytes after a page": "3033 020103 6507 0a0100 0400 0400 a025 3023" +
			"0416 312e322e3834302e3131333535362e312e342e333139 0409 3006 020100 0401 61 00",
	} {
		if m, err := Split(parse(t, text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v, want %v", name, m, err, ErrInvalid)
		}
	}
}

// TestAlteredLDAPMessageIsRejected changes the parts of a message in each way that a faulty parser could. Each change
// is rejected (D-39).
func TestAlteredLDAPMessageIsRejected(t *testing.T) {
	entry := parse(t, "301a 020102 6415 0403 636e3d 300e 300c 0402 6f75 3106 0401 61 0401 62")
	page := parse(t, "3032 020103 6507 0a0100 0400 0400 a024 3022"+
		"0416 312e322e3834302e3131333535362e312e342e333139 0408 3006 020100 0401 61")
	long := append(parse(t, "3082011b 020102 64820114 0400 3082010e 3082010a 0401 61 31820103 048100 0481fd"),
		make([]byte, 0xfd)...)
	other := parse(t, "300e 020101 6109 0a0100 0400 0400 8900") // not a message, but valid BER
	for name, c := range map[string]struct {
		raw    []byte
		change func(m *Message)
	}{
		"another name":           {entry, func(m *Message) { m.Name = m.Attributes[0].Name }},
		"values exchanged":       {entry, func(m *Message) { v := m.Attributes[0].Values; v[0], v[1] = v[1], v[0] }},
		"a value twice":          {entry, func(m *Message) { v := m.Attributes[0].Values; v[1] = v[0] }},
		"a value less":           {entry, func(m *Message) { m.Attributes[0].Values = m.Attributes[0].Values[:1] }},
		"a longer value":         {entry, func(m *Message) { m.Attributes[0].Values[0][1]++ }},
		"no attribute":           {entry, func(m *Message) { m.Attributes = nil }},
		"two attributes for one": {entry, func(m *Message) { m.Attributes = append(m.Attributes, m.Attributes[0]) }},
		"another operation":      {entry, func(m *Message) { m.Op = SearchDone }},
		"an unknown operation":   {entry, func(m *Message) { m.Op = 0x31 }},
		"another number":         {entry, func(m *Message) { m.ID[0]++ }},
		"no number":              {entry, func(m *Message) { m.ID = Span{} }},
		"another form":           {entry, func(m *Message) { m.Forms[0] = 1 }},
		"a form of 200 octets":   {entry, func(m *Message) { m.Forms[0] = 200 }},
		"a form less":            {entry, func(m *Message) { m.Forms = m.Forms[1:] }},
		"a form more":            {entry, func(m *Message) { m.Forms = append(m.Forms, 0) }},
		"a control":              {entry, func(m *Message) { m.Controls = []Control{} }},
		"a referral":             {page, func(m *Message) { m.Links = []Span{} }},
		"an option of any tag":   {other, func(m *Message) { m.Options = []Option{{Tag: 0x89, Value: Span{14, 0}}} }},
		"another code":           {page, func(m *Message) { m.Code = m.ID }},
		"another cookie":         {page, func(m *Message) { m.Controls[0].Paging.Cookie[0]-- }},
		"an empty cookie":        {page, func(m *Message) { m.Controls[0].Paging.Cookie[1] = 0 }},
		"a page without a value": {page, func(m *Message) { m.Controls[0].Value = nil }},
		"a page of another type": {page, func(m *Message) { m.Controls[0].Type[1]-- }},
		"another control as a page": {bytes.Replace(page, []byte(pagingType), []byte("1.2.840.113556.1.4.318"), 1),
			func(m *Message) { p, _ := Split(page); m.Controls[0].Paging = p.Controls[0].Paging }},
		"two values as one beyond the form of its length": {long, func(m *Message) {
			v := m.Attributes[0].Values
			v[0][1], m.Attributes[0].Values, m.Forms = 0x100, v[:1], m.Forms[:len(m.Forms)-1]
		}},
		"a page in another form": {page, func(m *Message) { m.Controls[0].Paging.Forms[0] = 1 }},
		"a page with a form more": {page, func(m *Message) {
			m.Controls[0].Paging.Forms = append(m.Controls[0].Paging.Forms, 0)
		}},
	} {
		from := bytes.Replace(c.raw, []byte{0x89}, []byte{serverCredentials}, 1)
		m, err := Split(from)
		check.NoError(t, err)
		c.change(m)
		if got, err := m.Rebuild(c.raw); !errors.Is(err, ErrInvalid) {
			t.Errorf("D-39: %s: %x, %v, want %v", name, got, err, ErrInvalid)
		}
	}
}

// TestReadAnswerRejectsRangesOutsideMessage reads answers with parts outside of the message, and other text (D-39).
func TestReadAnswerRejectsRangesOutsideMessage(t *testing.T) {
	raw := parse(t, samples[0].raw)
	for _, text := range []string{"", "null1", `{"Other":1}`, `{"Name":[0,15]}`, `{"Name":[15,0]}`, `{"Name":[1,14]}`,
		`{"Text":[-1,1]}`,
		`{"ID":[1,-1]}`, `{"Code":[9223372036854775807,1]}`, `{"Links":[[20,1]]}`,
		`{"Attributes":[{"Name":[0,1],"Values":[[1,99]]}]}`, `{"Attributes":[{"Name":[99,1]}]}`,
		`{"Options":[{"Tag":135,"Value":[0,99]}]}`, `{"Controls":[{"Type":[0,99]}]}`,
		`{"Controls":[{"Type":[0,1],"Value":[0,99]}]}`,
		`{"Controls":[{"Type":[0,1],"Paging":{"Cookie":[0,99]}}]}`,
		`{"Controls":[{"Type":[0,1],"Paging":{"Size":[0,99]}}]}`} {
		if m, err := ReadAnswer([]byte(text), raw); !errors.Is(err, ErrInvalid) {
			t.Errorf("D-39: %s: %+v, %v, want %v", text, m, err, ErrInvalid)
		}
	}
}
