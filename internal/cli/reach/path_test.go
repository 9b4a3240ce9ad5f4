package reach_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// The path to each object with all data of each step: principal, right, entry, groups, and result (B-7, B-8, B-9,
//
func TestPathHasEveryStep(t *testing.T) {
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))),
		Objects: append(objectsOf(), newItem("DC=y", "", "domain", "O:SYG:SYD:(A;;CR;;;<ann>)"),
			newItem("/own", "", "", "O:<ann>G:SYD:(A;;WD;;;OW)"),
			newItem("/own2", "", "", `O:SYG:SYD:(XA;;WD;;;OW;(@Resource.a == 1))(A;;WO;;;<ann>)S:(RA;;;;;WD;("a",TI,0,1))`))}
	s.From = s.Directory.Find("ann")
	got := check.Must(s.Do(context.Background()))
	password := reach.Step{Who: "ann", Right: "ForceChangePassword", Object: "CN=bob",
		By: []string{"DACL 0 for ann on User-Force-Change-Password"}, Gives: "acts as bob"}
	staff := reach.Step{Who: "bob", Right: "AddMember", Object: "CN=staff", By: []string{"DACL 0 for bob on member"},
		Gives: "member of staff"}
	admins := reach.Step{Who: "bob", Joined: []string{"staff"}, Right: "AddSelf", Object: "CN=admins",
		By: []string{"DACL 0 for staff on Self-Membership"}, Gives: "member of admins"}
	cy := reach.Step{Who: "bob", Joined: []string{"staff"}, Right: "WriteDacl", Object: "CN=cy",
		By: []string{"owner staff"}, Gives: "acts as cy"}
	secret := reach.Step{Who: "bob", Joined: []string{"admins"}, Right: "WriteOwner", Object: "/secret",
		By: []string{"DACL 0 for admins"}, Then: "WriteDacl"}
	open := reach.Step{Who: "ann", Right: "WriteDacl", Object: "/open", By: []string{"no DACL"}}
	// One entry grants both parts of DCSync.
	sync := reach.Step{Who: "ann", Right: "DCSync", Object: "DC=y", By: []string{"DACL 0 for ann"}}
	// Entries for OWNER RIGHTS apply to the owner. Their conditions can use the resource attributes of the object.
	own := reach.Step{Who: "ann", Right: "WriteDacl", Object: "/own", By: []string{"DACL 0 for ann"}}
	own2 := reach.Step{Who: "ann", Right: "WriteOwner", Object: "/own2", By: []string{"DACL 1 for ann"}, Then: "WriteDacl"}
	want := []reach.Path{
		{Object: "CN=bob", Steps: []reach.Step{password}},
		{Object: "/open", Steps: []reach.Step{open}},
		{Object: "DC=y", Steps: []reach.Step{sync}},
		{Object: "/own", Steps: []reach.Step{own}},
		{Object: "/own2", Steps: []reach.Step{own2}},
		{Object: "CN=staff", Steps: []reach.Step{password, staff}},
		{Object: "CN=admins", Steps: []reach.Step{password, staff, admins}},
		{Object: "CN=cy", Steps: []reach.Step{password, staff, cy}},
		{Object: "/secret", Steps: []reach.Step{password, staff, admins, secret}},
	}
	if !reflect.DeepEqual(got.Paths, want) {
		t.Errorf("got\n%s\nwant\n%s", show(got.Paths), show(want))
	}
	// The tokens are ann, bob, bob with staff, bob with admins, and cy, who is also reached.
	check.That(t, got.Hands == 5 && got.Cut == "", `%d tokens, cut %q, want 5, ""`, got.Hands, got.Cut)
}

// show prints paths, a step a line.
func show(paths []reach.Path) string {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString(p.Object + "\n")
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "    %+v\n", s)
		}
	}
	return b.String()
}
