package dirfile_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// TestAmbiguousInputNamesLineAndField checks that ambiguous input is an error that names the line and the field.
func TestAmbiguousInputNamesLineAndField(t *testing.T) {
	user := func(fields string) string {
		return `{"users":[` + "\n" + `{"name":"a","sid":"S-1-5-21-1-2-3-4"` + fields + `}]}`
	}
	for text, want := range map[string]string{
		user(`,"disabled":true,"disabled":false`):            "line 2: users[0].disabled: given twice",
		user(`,"Disabled":true`):                             "line 2: users[0].Disabled: unknown field, write it disabled",
		user(`,"disabled":null`):                             "line 2: users[0].disabled: want true or false",
		user(`,"memberof":[]`):                               "line 2: users[0].memberof: unknown field, write it memberOf",
		user(`,"claims":{"x":1,"x":2}`):                      "line 2: users[0].claims.x: given twice",
		user("") + user(""):                                  "line 2: something follows the object",
		`{"users":[],"users":[]}`:                            "line 1: users: given twice",
		`{"users":` + strings.Repeat("[", 200000):            "line 1: users[0]: want an object",
		`{"users":[{"claims":` + strings.Repeat("[", 200000): "nested more than 64 deep",
		"users: &u\n- {name: a}\n":                           "line 1: an anchor",
		"domain: S-1-5-21-1-2-3\n---\nusers: []\n":           "line 2: a second document",
		"users:\n- name: a\n  sid: S-1-5-21-1-2-3-4\n  disabled: true\n  disabled: " +
			"false\n": "line 5: users[0].disabled: given twice",
		"users:\n- name: a\n  sid: S-1-5-21-1-2-3-4\n  claims: {level: " +
			"0x10}\n": "line 4: users[0].claims.level: write numbers in decimal",
		"groups:\n- {name: S-1-5-32-544, sid: " +
			"S-1-5-21-1-2-3-4}\n": `line 2: groups[0] "S-1-5-32-544": the name is that of a SID`,
		"groups:\n- {name: ba, sid: " +
			"S-1-5-21-1-2-3-4}\n": `line 2: groups[0] "ba": the name is that of a SID or an alias`,
		"groups:\n- {name: DA, sid: S-1-5-21-1-2-3-4}\n":                               "an alias",
		"users:\n- {name: S-1-5-18, sid: S-1-5-21-1-2-3-4}\n":                          "has the form of a SID",
		"users: [{name: a, sid: DU}]":                                                  `users[0] "a": sid`,
		"users: [{sid: S-1-5-21-1-2-3-4}]":                                             "needs a name",
		"users: [{name: a, sid: S-1-5-21-1-2-3-4}, {name: a, sid: S-1-5-21-1-2-3-5}]":  `"a": an earlier user`,
		"groups: [{name: a, sid: S-1-5-21-1-2-3-4}, {name: A, sid: S-1-5-21-1-2-3-5}]": `"A": an earlier group`,
		"groups: [{name: a, sid: S-1-5-21-1-2-3-4}, {name: b, sid: S-1-5-21-1-2-3-4}]": "another group's",
		`{"groups":[{"name":"a","sid":"S-1-5-21-1-2-3-4"},` + "\n" +
			`{"name":"a","sid":"S-1-5-21-1-2-3-5"}]}`: `line 2: groups[1] "a": an earlier group`,
		user(`,"memberOf":["c"]`):                                      `"c" is neither`,
		"groups:\n- {name: a, sid: S-1-5-21-1-2-3-4, memberOf: [c]}":   `line 2: groups[0] "a"`,
		user(`,"claims":{"x":{"y":1}}`):                                "x: want a string",
		user(`,"claims":[{"name":"x","type":"strin","values":["a"]}]`): "strin",
		"domain: nowhere":                                              "domain",
		`{"users":[],"user":1}`:                                        "user: unknown field",
		"name,sid,Name\na,BA,b":                                        "line 1: column Name occurs twice",
		"name,sid,claims.x,claims.X:int64\na,BA,b,1":                   "line 1: column claims.X:int64 occurs twice",
	} {
		_, err := dirfile.Read([]byte(text))
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%.80q: %v, want %s", text, err, want)
	}
}

// TestNamesThatDifferInCaseAreDistinct checks that users whose names differ only in case are both found by their names,
// and neither by a third form.
func TestNamesThatDifferInCaseAreDistinct(t *testing.T) {
	d := check.Must(dirfile.Read([]byte(`{"users":[{"name":"bob","sid":"S-1-5-21-1-2-3-4"},
		{"name":"Bob","sid":"S-1-5-21-1-2-3-5"},
		{"name":"eve","sid":"S-1-5-21-1-2-3-6"}]}`)))
	for who, want := range map[string]int{"bob": 0, "Bob": 1, "BOB": -1, "EVE": 2, "S-1-5-21-1-2-3-5": 1, "mallory": -1} {
		check.Equal(t, d.Find(who), want, "%s", who)
	}
	d = check.Must(dirfile.Read([]byte("groups: [{name: 7, sid: S-1-5-21-1-2-3-7, memberOf: null}]\n" +
		"users: [{name: 8, sid: S-1-5-21-1-2-3-8, primaryGroup: 7, memberOf: [7]}]\n")))
	check.Equal(t, d.Find("8"), 0, "a name that is a number in YAML")
}

// TestPowerShellHeadingIsRead reads a heading as PowerShell 5.1 writes it: with a UTF-8 mark and quotes.
func TestPowerShellHeadingIsRead(t *testing.T) {
	d := check.Must(dirfile.Read([]byte("\ufeff\"Name\",\"SID\"\r\n\"a\",\"S-1-5-21-1-2-3-4\"\r\n")))
	if got := d.Find("a"); got != 0 {
		t.Errorf(`the user is not there: d.Find("a") = %d, want 0`, got)
	}
}

// TestDirectoryFileMayBeUTF16 checks that a directory file that PowerShell redirected is read, in YAML, JSON and CSV.
// Without the last byte it is an error.
func TestDirectoryFileMayBeUTF16(t *testing.T) {
	for _, text := range []string{"users:\n- {name: ä, sid: S-1-5-21-1-2-3-4}\n", "name,sid\r\nä,S-1-5-21-1-2-3-4\r\n",
		`{"users":[{"name":"ä","sid":"S-1-5-21-1-2-3-4"}]}`} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			file := order.AppendUint16(nil, 0xfeff)
			for _, c := range text { // each is one unit
				file = order.AppendUint16(file, uint16(c))
			}
			check.Equal(t, check.Must(dirfile.Read(file)).Find("ä"), 0, "%s in %s: the user", text, order)
			_, err := dirfile.Read(file[:len(file)-1])
			check.That(t, err != nil && strings.Contains(err.Error(), "ends inside a character"), "cut: %v", err)
		}
	}
	_, err := dirfile.Read(nil)
	check.That(t, err != nil, "an empty file: %v, want an error", err)
}
