package ldif_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The managed accounts of an LDIF file are objects with the descriptor for their password; other forms have none
// (B-10).
func TestManagedAccountsAreObjects(t *testing.T) {
	const ace = "O:SYG:SYD:(A;;0x1;;;WD)"
	entry := func(dn string, lines ...string) string {
		return "dn: " + dn + "\n" + strings.Join(lines, "\n") + "\n\n"
	}
	binary := check.Must(sddl.Parse(ace, sddl.Options{})).Binary()
	managed := "msDS-GroupMSAMembership:: " + base64.StdEncoding.EncodeToString(binary) + " "
	file := entry("CN=a", "objectClass: top", "nTSecurityDescriptor: O:SYG:SYD:") +
		entry("CN=b", "objectClass: top", "objectClass: msDS-GroupManagedServiceAccount", "groupType: 2", managed,
			"objectSid: S-1-5-21-1-2-3-4", "sAMAccountName: b$", "userPrincipalName: b@c",
			"nTSecurityDescriptor: O:SYG:SYD:P") + "dn: CN=\n c\ngroupType: 2\n" + managed
	var left []string
	read := func(file string) (rows []string, err error) {
		s, err := ldif.Managed(ldif.New(strings.NewReader(file)), func(path []byte) { left = append(left, string(path)) })
		if err != nil {
			return nil, err
		}
		err = objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
			rows = append(rows, fmt.Sprint(i.Path, " ", objects.TypeName(i.Type), " ", i.Descriptor.DACL().Len(),
				" ", i.Err, " ",
				i.Entry.SID, " ", i.Entry.Classes, " ", i.Entry.Name, "/", i.Entry.UPN, " ",
				i.Entry.Account(), i.Entry.Is("TOP"), i.Entry.Is("user")))
			return true
		})
		return rows, err
	}
	rows, err := read(file)
	want := "[CN=b directoryService 1 <nil> S-1-5-21-1-2-3-4 [top msDS-GroupManagedServiceAccount] b$/b@c " +
		"true true false " +
		"CN=c directoryService 1 <nil> " + sid.SID{}.String() + " [group] / false false false]"
	check.That(t, err == nil && fmt.Sprint(rows) == want, "B-10: %v\n got %v\nwant %s", err, rows, want)
	check.SlicesEqual(t, left, []string{"CN=a"}, "B-10: other objects")
	check.NoError(t, objects.All(context.Background(), ldif.New(strings.NewReader(file)), sid.SID{}, winnt.FileObject,
		func(i objects.Item) bool { check.NoError(t, i.Err); return i.Path == "CN=a" })) // a and b have SDDL
	if _, err := read(entry("CN=a", "nTSecurityDescriptor: O:SYG:SYD:")); err == nil ||
		!strings.Contains(err.Error(), "no entry has msDS-GroupMSAMembership") {
		t.Errorf("B-10: no account: %v", err)
	}
	for wrong, why := range map[string]string{entry("CN=a", "msDS-GroupMSAMembership:: !"): "wrong base64",
		"dn: CN=a\n" + entry("CN=c", managed): "second dn", entry("CN=a", managed, managed): "second msDS-GroupMSA"} {
		rows, err = read(wrong + entry("CN=b", managed))
		check.That(t, err == nil && len(rows) == 2 && strings.Contains(rows[0], why),
			"B-10: rows of a malformed account and of another one: %q, %v, want two, the first with %q", rows, err, why)
	}
	_, err = ldif.Managed(jsonl.Lines(strings.NewReader("{}"), 0, 0), nil)
	check.That(t, errors.Is(err, ldif.ErrNoManaged), "B-10: JSON lines: %v, want %v", err, ldif.ErrNoManaged)
	for wrong, why := range map[string]string{"msDS-GroupMSAMembership:: !": "line 2: msDS-GroupMSAMembership: wrong " +
		"base64",
		"objectSid:: !":                                       "line 2: objectSid: wrong base64",
		"sAMAccountName:: !":                                  "line 2: sAMAccountName: wrong base64",
		"objectClass:: !":                                     "line 2: objectClass: wrong base64",
		"operatingSystem:: !":                                 "line 2: operatingSystem: wrong base64",
		"userPrincipalName:: !":                               "line 2: userPrincipalName: wrong base64",
		"objectSid: S-1-1-0\nobjectSid: S-1-1-0":              "line 3: the entry has a second objectSid",
		"nTSecurityDescriptor: D:\nNTSECURITYDESCRIPTOR: D:P": "line 3: the entry has a second NTSECURITYDESCRIPTOR",
		"result: 4 of 5": "the entry that ends at line 3 has no " +
			"nTSecurityDescriptor",
		"nTSecurityDescriptor:: !": "line 2: nTSecurityDescriptor: wrong base64",
		"objectSid: x":             "line 2: objectSid: ",
		"objectSid:: " + base64.StdEncoding.EncodeToString([]byte(sid.Everyone.Binary()+"z")): "line 2: objectSid: " +
			"1 bytes after its end",
		"objectSid:< file:///t/a": "line 2: objectSid: the value is in another file: call ldapsearch without -t",
		"nTSecurityDescriptor:< file:///t/a": "line 2: nTSecurityDescriptor: the value is in another file: call " +
			"ldapsearch without -t",
		"objectSid: AQQAAAAAAAUVAAAA": "line 2: objectSid: base64 needs two colons: write objectSid:: AQQAAAAA…",
		"nTSecurityDescriptor: AQAUgLgAAADI": "line 2: nTSecurityDescriptor: base64 needs two colons: write " +
			"nTSecurityDescriptor:: AQAUgLgA…",
		"cn: x": "the entry that ends at line 3 has no nTSecurityDescriptor"} {
		var items []objects.Item
		err := objects.All(context.Background(), ldif.New(strings.NewReader(entry("CN=a", wrong))), sid.SID{},
			winnt.FileObject, func(i objects.Item) bool { items = append(items, i); return true })
		if err != nil || len(items) != 1 || items[0].Path != "CN=a" || items[0].Err == nil ||
			!strings.HasPrefix(items[0].Err.Error(), why) {
			t.Errorf("%s: %+v, %v", wrong, items, err)
		}
	}
}

// The error for a line over the limit has the number of that line.
func TestLongLineHasItsNumber(t *testing.T) {
	file := "dn: CN=a\nx: " + strings.Repeat("x", objects.MaxLine/2) + "\n\n" + strings.Repeat("x", objects.MaxLine+1)
	err := objects.All(context.Background(), ldif.New(strings.NewReader(file)), sid.SID{}, winnt.FileObject,
		func(objects.Item) bool { return true })
	check.That(t, err != nil && strings.Contains(err.Error(), "line 4: longer than"), "error = %v, want line 4", err)
}
