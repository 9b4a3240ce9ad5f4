package sid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// The SIDs of a published package and of published capabilities. The group SID of a capability has the same eight
// numbers as its capability SID.
func TestAppContainerSIDsMatchPublishedOnes(t *testing.T) {
	const edge = "S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194"
	for _, name := range []string{"Microsoft.MicrosoftEdge_8wekyb3d8bbwe", "microsoft.microsoftedge_8WEKYB3D8BBWE"} {
		check.Equal(t, sid.AppContainer(name).String(), edge, "AppContainer(%s)", name)
	}
	for name, want := range map[string]string{
		"registryRead":   "1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681",
		"lpacCom":        "2405443489-874036122-4286035555-1823921565-1746547431-2453885448-3625952902-991631256",
		"internetClient": "",
	} {
		group, capability := sid.CapabilitySIDs(name)
		if want == "" {
			check.That(t, capability.String() == "S-1-15-3-1" && strings.HasPrefix(group.String(), "S-1-5-32-"),
				"capability %s: group %v, SID %v, want S-1-5-32-... and S-1-15-3-1", name, group, capability)
			continue
		}
		check.That(t, capability.String() == "S-1-15-3-1024-"+want && group.String() == "S-1-5-32-"+want,
			"capability %s: group %v, SID %v, want %v, %v", name, group, capability, "S-1-5-32-"+want, "S-1-15-3-1024-"+want)
	}
	// Characters above the basic plane are two UTF-16 units each. These hashes are those of Python's hashlib.
	check.Equal(t, sid.AppContainer("A\U0001F600").String(),
		"S-1-15-2-2341915389-1699342747-3792238806-890207564-1552601048-1531451482-3674875616", "package A\U0001F600")
	if _, c := sid.CapabilitySIDs("a\U0001F600"); c.String() != "S-1-15-3-1024-933378376-2169573831-1434220438-692412904-"+
		"2532723624-2327265269-1241915720-1547421940" {
		t.Errorf("capability a\U0001F600 = %v", c)
	}
	if _, c := sid.CapabilitySIDs("CONTACTS"); c.String() != "S-1-15-3-12" {
		t.Errorf("capability CONTACTS = %v, want S-1-15-3-12", c)
	}
	if g, c := sid.CapabilitySIDs(""); !g.IsZero() || !c.IsZero() {
		t.Error(`CapabilitySIDs("") returned SIDs, want zero SIDs`)
	}
}

func ExampleAppContainer() {
	fmt.Println(sid.AppContainer("Microsoft.MicrosoftEdge_8wekyb3d8bbwe"))
	_, capability := sid.CapabilitySIDs("internetClient")
	fmt.Println(capability)
	// Output:
	// S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194
	// S-1-15-3-1
}

// TestOverlongAppContainerNameIsRejected checks that AppContainer accepts names of MaxAppContainerName
// UTF-16 units and refuses longer ones, whatever the characters.
func TestOverlongAppContainerNameIsRejected(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{strings.Repeat("a", sid.MaxAppContainerName), true}, {strings.Repeat("a", sid.MaxAppContainerName+1), false},
		{strings.Repeat("é", sid.MaxAppContainerName), true}, {strings.Repeat("😀", sid.MaxAppContainerName/2), true},
		{strings.Repeat("😀", sid.MaxAppContainerName/2+1), false}, {"a", true}, {"", false},
	} {
		if s := sid.AppContainer(c.name); s.IsZero() == c.ok {
			t.Errorf("AppContainer of a name with %d bytes = %v, want accepted = %t", len(c.name), s, c.ok)
		}
	}
}
