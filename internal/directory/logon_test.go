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

// TestAccountKindDeterminesTokenGroups: the whole token of each kind of account: its groups, those of its groups, and
// what a logon gives; a guest of the domain is in Guests and in no group of users, and a member of Administrators has
// the full token.
func TestAccountKindDeterminesTokenGroups(t *testing.T) {
	const domain, logon = "S-1-5-21-1-2-3-", " S-1-1-0 S-1-5-2 S-1-18-1 S-1-5-11 S-1-5-15 S-1-5-32-545"
	// staff and all are in each other
	const all = " S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-2002 S-1-5-21-9-9-9-7 S-1-22-2-2002"
	want := []struct {
		name, sid, group, groups string
		primary                  string
		admin                    bool
		claims                   string
	}{
		{"alice", domain + "1001", "S-1-22-2-2002", domain + "513 S-1-22-1-1001" + logon + all, domain + "513", false,
			"a=x b=1,-2 c=1"},
		{"bob", domain + "1002", "", domain + "2003 S-1-5-32-544" + logon + all, "S-1-5-32-545", true, ""},
		{"visitor", domain + "501", "", domain + "514 S-1-1-0 S-1-5-2 S-1-5-32-546" + all, domain + "514", false, ""},
		{"far", "S-1-5-21-4-5-6-501", "", strings.TrimSpace(logon + all), "S-1-5-32-545", false, ""},
		{"eve", domain + "1502", "", domain + "513" + logon, domain + "513", false, ""},
	}
	for form, file := range map[string]string{"YAML": wholeYAML, "JSON": wholeJSON, "CSV": wholeCSV,
		"YAML with a mark": "\ufeff" + wholeYAML, "CSV with a mark": "\ufeff" + wholeCSV} {
		d, err := dirfile.Read([]byte(file))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if len(d.Principals) != len(want) || d.Disabled != 1 || d.Domain.String() != "S-1-5-21-1-2-3" {
			t.Errorf(`%s: %d principals, %d disabled, of %v, want %d, 1, "S-1-5-21-1-2-3"`, form, len(d.Principals),
				d.Disabled, d.Domain, len(want))
			continue
		}
		for i, w := range want {
			p := &d.Principals[i]
			level, privileges := winnt.SECURITY_MANDATORY_MEDIUM_RID, winnt.SeChangeNotifyPrivilege.Bit()
			if w.admin {
				level, privileges = winnt.SECURITY_MANDATORY_HIGH_RID, p.Token.Present()
			}
			expected := strings.Fields(w.groups + fmt.Sprintf(" S-1-16-%d", level))
			slices.Sort(expected)
			if got := groupsOf(p.Token); !slices.Equal(got, expected) {
				t.Errorf("%s, %s: in %v, want %v", form, w.name, got, expected)
			}
			for _, g := range p.Token.Groups() {
				attributes := winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED
				if strings.HasPrefix(g.SID.String(), "S-1-16-") {
					attributes = winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED
				}
				check.That(t, g.Attributes == attributes,
					"%s, %s: %v has the attributes %#x, want %#x", form, w.name, g.SID, g.Attributes, attributes)
			}
			group := ""
			if !p.Group.IsZero() {
				group = p.Group.String()
			}
			if p.Name != w.name || p.Token.User().SID.String() != w.sid || group != w.group ||
				p.Token.PrimaryGroup().String() != w.primary || p.Token.Owner().String() != w.sid {
				t.Errorf("%s: %s, %v, group %s, primary group %v, owner %v, want %+v", form, p.Name, p.Token.User().SID, group,
					p.Token.PrimaryGroup(), p.Token.Owner(), w)
			}
			if p.Token.Integrity() != level || p.Token.Enabled() != privileges ||
				w.admin != (privileges&winnt.SeBackupPrivilege.Bit() != 0) {
				t.Errorf("%s, %s: level %#x, privileges %#x", form, w.name, p.Token.Integrity(), p.Token.Enabled())
			}
			var list []string
			for _, a := range p.Token.UserClaims().All() {
				text := strings.Trim(fmt.Sprint(a.Ints, a.Uints, a.Strings), "[] ")
				list = append(list, a.Name+"="+strings.ReplaceAll(strings.Trim(text, "[] "), " ", ","))
			}
			check.Equal(t, strings.Join(list, " "), w.claims, "%s, %s: the claims", form, w.name)
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
		d, err := dirfile.Read([]byte("domain: S-1-5-21-1-2-3\n" + user + groups))
		check.NoError(t, err)
		tok := d.Account("pc$").Token
		var got []uint32
		for _, g := range tok.Groups() {
			if g.SID.Prefix() == domain {
				got = append(got, g.SID.RID())
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || d.Primary(tok) != domain.WithRID(want[0]) {
			t.Errorf("D-22: %q: groups %v, want %v; primary %v", text, got, want, d.Primary(tok))
		}
	}
	_, err := dirfile.Read([]byte("users: [{name: x, sid: S-1-5-21-1-2-3-7, primaryGroup: nowhere}]"))
	check.That(t, err != nil && strings.Contains(err.Error(), "primaryGroup"),
		"D-22: error %v, want one that names primaryGroup", err)
	d, err := dirfile.Read([]byte("name,sid,kind,primaryGroup\nx,S-1-5-21-1-2-3-7,user,g\ng,S-1-5-21-1-2-3-8,group,\n"))
	check.That(t, err == nil && d.Account("x").Token.Member(sid.MustParse("S-1-5-21-1-2-3-8"), false),
		"D-22: CSV with a primary group: error %v, want x a member of it", err)
	if _, err := dirfile.Read([]byte("name,sid,kind,primaryGroup\ng,S-1-5-21-1-2-3-8,group,g\n")); err == nil {
		t.Error("D-22: a group with a primary group: no error, want one")
	}
}

// A user without a domain, or of another domain, has no primary group.
func TestForeignUserHasNoPrimaryGroup(t *testing.T) {
	d := must(dirfile.Read([]byte(`{"domain":"S-1-5-21-1-2-3","users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"},
		{"name":"b","sid":"S-1-5-21-7-7-7-4"}]}`)))
	none := must(dirfile.Read([]byte(`{"users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"}]}`)))
	for _, c := range []struct {
		d    *directory.Directory
		i    int
		want string
	}{{d, 0, "S-1-5-21-1-2-3-513"}, {d, 1, ""}, {none, 0, ""}} {
		got := c.d.Primary(c.d.Principals[c.i].Token)
		check.That(t, got.IsZero() == (c.want == "") && (got.IsZero() || got.String() == c.want),
			"%s: %v, want %q", c.d.Principals[c.i].Name, got, c.want)
	}
}

// The token of a domain controller has Enterprise Domain Controllers, and that of another computer does not (B-52).
func TestDomainControllerIsEnterpriseController(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	d, err := directory.New(&directory.Accounts{Domain: domain, Users: []directory.User{
		{Name: "DC1$", SID: domain.WithRID(1000), Primary: domain.WithRID(516)},
		{Name: "PC$", SID: domain.WithRID(1001), Primary: domain.WithRID(515)},
	}})
	check.NoError(t, err)
	for i, want := range []bool{true, false} {
		check.Equal(t, d.Principals[i].Token.Member(sid.EnterpriseDCs, false), want, "%s", d.Principals[i].Name)
	}
}
