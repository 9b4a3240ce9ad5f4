package token_test

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ExampleParse() {
	tok, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["DU","BU"],
		"privileges":["SeChangeNotifyPrivilege"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tok.User().SID, tok.Enabled().Names())
	for _, g := range tok.Groups() {
		fmt.Println(g.SID, token.GroupAttributeNames(g.Attributes))
	}
	_, err = token.Parse([]byte(`{"user":"SY","groups":["WD",{"sid":"BA","atributes":[]}]}`))
	fmt.Println(err)
	// Output:
	// S-1-5-21-1-2-3-1107 [SeChangeNotifyPrivilege]
	// S-1-5-21-1-2-3-513 [Mandatory EnabledByDefault Enabled]
	// S-1-5-32-545 [Mandatory EnabledByDefault Enabled]
	// S-1-16-8192 [Integrity IntegrityEnabled]
	// token file: groups[1].atributes: unknown field, want one of sid, attributes (byte 40)
}

func ExampleNew() {
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))
	s.Groups = append(s.Groups, token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-513"), Attributes: token.GroupDefault})
	tok, err := token.New(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tok.Type(), strings.Join(tok.Present().Names(), "\n"))
	// Output:
	// TokenPrimary SeShutdownPrivilege
	// SeChangeNotifyPrivilege
	// SeUndockPrivilege
	// SeIncreaseWorkingSetPrivilege
	// SeTimeZonePrivilege
}

func ExampleToken_AdjustPrivileges() {
	tok, _ := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107")))
	on, previous, status := tok.AdjustPrivileges(0x5001, false, []token.PrivilegeChange{
		{LUID: winnt.SeShutdownPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED},
		{LUID: winnt.SeTcbPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED},
	})
	fmt.Println(status, on.Enabled().Names(), previous)
	fmt.Println(tok.Enabled().Names())
	// Output:
	// STATUS_NOT_ALL_ASSIGNED [SeShutdownPrivilege SeChangeNotifyPrivilege] [{0x13 0}]
	// [SeChangeNotifyPrivilege]
}

func ExampleToken_Filter() {
	admin, _ := token.New(token.Administrator(sid.MustParse("S-1-5-21-1-2-3-1107")))
	limited, status := admin.Filter(token.FilterSpec{Flags: winnt.LUA_TOKEN, ModifiedID: 0x5002})
	fmt.Println(status, admin.IsAdmin(), limited.IsAdmin(), limited.IntegrityLevel().SID)
	// Output: STATUS_SUCCESS true false S-1-16-8192
}

func ExampleParseIntegrityLevel() {
	for _, text := range []string{"MediumPlus", "S-1-16-12288", "Middle"} {
		fmt.Println(token.ParseIntegrityLevel(text))
	}
	fmt.Println(token.IntegrityName(0x3000))
	// Output:
	// S-1-16-8448 true
	// S-1-16-12288 true
	//  false
	// High
}
