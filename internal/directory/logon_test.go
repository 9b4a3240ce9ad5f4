package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// One company as YAML, as JSON and as CSV, with each kind of account.
const (
	wholeYAML = `domain: S-1-5-21-1-2-3
groups:
  - {name: staff, sid: S-1-5-21-1-2-3-2001, memberOf: [all]}
  - {name: all, sid: S-1-5-21-1-2-3-2002, memberOf: [staff, S-1-5-21-9-9-9-7], gid: 2002}
  - {name: ops, sid: S-1-5-21-1-2-3-2003, memberOf: [BA]}
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1001, memberOf: [staff], uid: 1001, gid: 2002, claims: {b: [1,-2], c: true, a: x}}
  - {name: bob, sid: S-1-5-21-1-2-3-1002, memberOf: [ops], primaryGroup: staff}
  - {name: visitor, sid: S-1-5-21-1-2-3-501, memberOf: [staff], primaryGroup: all}
  - {name: far, sid: S-1-5-21-4-5-6-501, memberOf: [all]}
  - {name: dora, sid: S-1-5-21-1-2-3-1501, disabled: true}
  - {name: eve, sid: S-1-5-21-1-2-3-1502, memberOf: ~, claims: ~, disabled: false}
`
	wholeJSON = ` { "domain": "S-1-5-21-1-2-3", "groups": [
 {"name":"staff","sid":"S-1-5-21-1-2-3-2001","memberOf":["all"]},
 {"name":"all","sid":"S-1-5-21-1-2-3-2002","memberOf":["staff","S-1-5-21-9-9-9-7"],"gid":2002},
 {"name":"ops","sid":"S-1-5-21-1-2-3-2003","memberOf":["BA"]}], "users": [
 {"name":"alice","sid":"S-1-5-21-1-2-3-1001","memberOf":["staff"],"uid":1001,"gid":2002,
  "claims":{"c":[ true ],"a":"x","b":[1,-2]}},
 {"name":"bob","sid":"S-1-5-21-1-2-3-1002","memberOf":["ops"],"primaryGroup":"S-1-5-21-1-2-3-2001"},
 {"name":"visitor","sid":"S-1-5-21-1-2-3-501","memberOf":["staff"],"primaryGroup":"all"},
 {"name":"far","sid":"S-1-5-21-4-5-6-501","memberOf":["ALL"]},
 {"name":"dora","sid":"S-1-5-21-1-2-3-1501","disabled":true},
 {"name":"eve","sid":"S-1-5-21-1-2-3-1502","memberOf":null,"claims":null}]}
`
	wholeCSV = ` Kind , name,SID,memberof, uid,gid,Disabled,PrimaryGroup,claims.c:Boolean,claims.a,claims.b:int64
domain,, S-1-5-21-1-2-3 ,,,,,,,,
 Group , staff ,S-1-5-21-1-2-3-2001, all,,,,,,,
group,all,S-1-5-21-1-2-3-2002,staff; S-1-5-21-9-9-9-7 ,, 2002 ,,,,,
group,ops,S-1-5-21-1-2-3-2003,BA;,,,,,,,
user, alice , S-1-5-21-1-2-3-1001 ,staff, 1001 ,2002,, , true , x ,1; -2
,bob,S-1-5-21-1-2-3-1002,ops,,,, staff ,,,
,visitor,S-1-5-21-1-2-3-501,staff,,,,all,,,
,far,S-1-5-21-4-5-6-501,all,,,,,,,
,dora,S-1-5-21-1-2-3-1501,,,, True ,,,,
,eve,S-1-5-21-1-2-3-1502,,,,FALSE,,,,
`
)

// TestAccountKindDeterminesTokenGroups checks the whole token of each kind of account: its groups, nested groups and
// the SIDs that a logon adds. A guest of the domain is in Guests and in no group of users. A member of Administrators
// has the full token.
func TestAccountKindDeterminesTokenGroups(t *testing.T) {
	const domain, logon = "S-1-5-21-1-2-3-", "S-1-1-0 S-1-5-2 S-1-18-1 S-1-5-11 S-1-5-15 S-1-5-32-545 "
	// staff and all are in each other
	const all = "S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-2002 S-1-5-21-9-9-9-7 S-1-22-2-2002 "
	const medium, high = "S-1-16-8192", "S-1-16-12288"
	id := sid.MustParse("S-1-5-21-1-2-3").WithRID
	far := sid.MustParse("S-1-5-21-4-5-6-501")
	type account struct {
		name                                   string
		sid, owner, unix, primary, ofNewObject sid.SID
		groups, claims                         string
	}
	want := []account{
		{"alice", id(1001), id(1001), directory.UnixGroups.WithRID(2002), id(513), id(513),
			domain + "513 S-1-22-1-1001 " + logon + all + medium, "a=x b=1,-2 c=1"},
		{"bob", id(1002), id(1002), sid.SID{}, id(2001), id(2001),
			domain + "2003 S-1-5-32-544 " + logon + all + high, ""},
		{"visitor", id(501), id(501), sid.SID{}, id(2002), id(514),
			domain + "514 S-1-1-0 S-1-5-2 S-1-5-32-546 " + all + medium, ""},
		{"far", far, far, sid.SID{}, sid.SID{}, sid.Users, logon + all + medium, ""},
		{"eve", id(1502), id(1502), sid.SID{}, id(513), id(513), domain + "513 " + logon + medium, ""},
	}
	for form, file := range map[string]string{"YAML": wholeYAML, "JSON": wholeJSON, "CSV": wholeCSV,
		"YAML with a mark": "\ufeff" + wholeYAML, "CSV with a mark": "\ufeff" + wholeCSV} {
		d := check.Must(dirfile.Read([]byte(file)))
		check.Require(t, fmt.Sprint(len(d.Principals), d.Disabled, d.Domain), "5 1 S-1-5-21-1-2-3",
			"%s: principals, disabled users and domain", form)
		for i, w := range want {
			p, tok := &d.Principals[i], d.Principals[i].Token
			level, privileges := winnt.SECURITY_MANDATORY_MEDIUM_RID, winnt.SeChangeNotifyPrivilege.Bit()
			if strings.HasSuffix(w.groups, high) {
				level, privileges = winnt.SECURITY_MANDATORY_HIGH_RID, token.Administrator(w.sid).Privileges
			}
			for _, g := range tok.Groups() {
				attributes := winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED
				if strings.HasPrefix(g.SID.String(), "S-1-16-") {
					attributes = winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED
				}
				check.Equal(t, g.Attributes, attributes, "%s, %s: attributes of %v", form, w.name, g.SID)
			}
			check.That(t, tok.Integrity() == level && tok.Enabled() == privileges,
				"%s, %s: level %#x, privileges %#x enabled, want %#x, %#x", form, w.name, tok.Integrity(),
				tok.Enabled(), level, privileges)
			var list []string
			for _, a := range tok.UserClaims().All() {
				text := strings.Trim(fmt.Sprint(a.Ints, a.Uints, a.Strings), "[] ")
				list = append(list, a.Name+"="+strings.ReplaceAll(strings.Trim(text, "[] "), " ", ","))
			}
			groups := strings.Fields(w.groups)
			slices.Sort(groups)
			w.groups = strings.Join(groups, " ")
			check.Equal(t, account{p.Name, tok.User().SID, tok.Owner(), p.Group, d.Primary(tok), tok.PrimaryGroup(),
				strings.Join(groupsOf(tok), " "), strings.Join(list, " ")}, w, "%s: account", form)
		}
	}
}

// A user with another primary group than Domain Users has that group, with its groups, instead; the file names it by
// name or SID (D-22).
func TestPrimaryGroupReplacesDomainUsers(t *testing.T) {
	const groups = "groups: [{name: computers, sid: S-1-5-21-1-2-3-515, memberOf: [all]}, " +
		"{name: all, sid: S-1-5-21-1-2-3-2000}]"
	domain := sid.MustParse("S-1-5-21-1-2-3")
	for text, want := range map[string][]uint32{
		"":                                   {513},
		", primaryGroup: Computers":          {515, 2000},
		", primaryGroup: S-1-5-21-1-2-3-515": {515, 2000},
		", primaryGroup: S-1-5-21-1-2-3-516": {516},
	} {
		user := "users: [{name: pc$, sid: S-1-5-21-1-2-3-1105" + text + "}]\n"
		d := check.Must(dirfile.Read([]byte("domain: S-1-5-21-1-2-3\n" + user + groups)))
		tok := d.Account("pc$").Token
		var got []uint32
		for _, g := range tok.Groups() {
			if g.SID.Prefix() == domain {
				got = append(got, g.SID.RID())
			}
		}
		slices.Sort(got)
		primary := domain.WithRID(want[0])
		check.That(t, slices.Equal(got, want) && d.Primary(tok) == primary && tok.PrimaryGroup() == primary,
			"D-22: %q: groups %v, want %v; primary %v and %v", text, got, want, d.Primary(tok), tok.PrimaryGroup())
	}
	_, err := dirfile.Read([]byte("users: [{name: x, sid: S-1-5-21-1-2-3-7, primaryGroup: nowhere}]"))
	check.That(t, err != nil && strings.Contains(err.Error(), "primaryGroup"),
		"D-22: error %v, want one that names primaryGroup", err)
	d, err := dirfile.Read([]byte("name,sid,kind,primaryGroup\nx,S-1-5-21-1-2-3-7,user,g\ng,S-1-5-21-1-2-3-8,group,\n"))
	check.That(t, err == nil && d.Account("x").Token.Member(sid.MustParse("S-1-5-21-1-2-3-8"), false),
		"D-22: CSV with a primary group: error %v, want x a member of it", err)
	check.That(t, check.Err(dirfile.Read([]byte("name,sid,kind,primaryGroup\ng,S-1-5-21-1-2-3-8,group,g\n"))) != nil,
		"D-22: a group with a primary group: no error, want one")
}

// The token of a domain controller has Enterprise Domain Controllers once; that of another computer does not (B-52).
func TestDomainControllerIsEnterpriseController(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	d := check.Must(directory.New(&directory.Accounts{Domain: domain, Users: []directory.User{
		{Name: "DC1$", SID: domain.WithRID(1000), Primary: domain.WithRID(516)},
		{Name: "DC2$", SID: domain.WithRID(1001), Primary: domain.WithRID(516), MemberOf: []sid.SID{sid.EnterpriseDCs}},
		{Name: "PC$", SID: domain.WithRID(1002), Primary: domain.WithRID(515)},
	}}))
	for i, want := range []int{1, 1, 0} {
		got := strings.Count(strings.Join(groupsOf(d.Principals[i].Token), " ")+" ", sid.EnterpriseDCs.String()+" ")
		check.Equal(t, got, want, "%s: groups that are Enterprise Domain Controllers", d.Principals[i].Name)
	}
}
