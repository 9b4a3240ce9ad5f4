package words_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// Object types by name make one tree, property sets above their properties, and a class is its root.
func TestTypesByNameMakeOneTree(t *testing.T) {
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
		// A later property is inserted below its set, before later entries of the level of the set.
		"Membership Send-As member": "0:00000000 1:bc0ac240 2:bf9679c0 1:ab721a54",
	} {
		chains := check.Must(words.Chains(strings.Fields(text)))
		list := words.Tree(chains)
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%d:%.8s", e.Level, e.GUID.String()))
		}
		check.That(t, strings.Join(got, " ") == want, "%s: %v, want %s", text, got, want)
		err := access.ValidateObjectTypes(list)
		check.That(t, len(list) <= 0 || err == nil, "%s: %v", text, err)
	}
}

// A name or a GUID is below the object and its property set. A class is the root of all names, and a second class is
// below the first.
func TestChainPutsAttributeBelowPropertySet(t *testing.T) {
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
		check.That(t, err == nil && strings.Join(got, "; ") == want, "%s: %v, %v, want %s", names, got, err, want)
	}
	for _, names := range []string{"nothing", "user nothing", "bf9679c0"} {
		if chains, err := words.Chains(strings.Fields(names)); !errors.Is(err, words.ErrNoType) || chains != nil {
			t.Errorf("%s: %v, %v, want nil, %v", names, chains, err, words.ErrNoType)
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

// TestObjectTypeTreeSharesPropertySets checks that types with one root share it and their property sets; Another root
// is a child of the first. Nothing occurs twice, and each list is valid for a check.
func TestObjectTypeTreeSharesPropertySets(t *testing.T) {
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
		chains := check.Must(words.Chains(strings.Fields(names)))
		list := words.Tree(chains)
		if err := access.ValidateObjectTypes(list); err != nil || treeText(list) != want {
			t.Errorf("%s: %s, %v, want %s", names, treeText(list), err, want)
		}
	}
	guid := func(text string) winnt.GUID { return check.Must(winnt.ParseGUID(text)) }
	two := words.Tree([][]winnt.GUID{{guid(userGUID), guid(passwordGUID)}, {guid(groupGUID), guid(memberGUID)}})
	if want := "0 " + userGUID + ", 1 " + passwordGUID + ", 1 " + groupGUID + ", 2 " + memberGUID; treeText(two) != want {
		t.Errorf("two roots: %s, want %s", treeText(two), want)
	}
	member := words.Tree(check.Must(words.Chains([]string{"member"})))
	mixed := slices.Concat(member, two[2:3]) // has the group's class below the object
	for _, c := range []struct {
		class string
		list  []access.ObjectTypeEntry
		want  string
	}{
		{groupGUID, member, "0 " + groupGUID + ", 1 " + membershipGUID + ", 2 " + memberGUID},
		{object, member, treeText(member)}, {userGUID, two, treeText(two)}, {userGUID, nil, ""},
		{groupGUID, mixed, treeText(mixed)},
	} {
		check.Equal(t, treeText(words.Under(guid(c.class), c.list)), c.want, "%s under %s (B-4)", treeText(c.list), c.class)
	}
}
