package batch

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is one kind of generated input.
type kind struct {
	name   string
	inline bool // the line contains the token, else tokenRef
	tokens int  // distinct tokens; 0: every line has its own
	sds    int  // distinct descriptors; 0: every line has its own
}

var kinds = []kind{
	{name: "tokenRef", tokens: 16, sds: 1000},
	{name: "tokenRef/distinct descriptors", tokens: 16},
	{name: "inline", inline: true, tokens: 1000, sds: 1000},
	{name: "inline/distinct tokens", inline: true, sds: 1000},
	{name: "inline/all distinct", inline: true},
}

// generate writes n question lines of a kind, after the define line they need.
func generate(k kind, n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	if !k.inline {
		b.WriteString(`{"define":{`)
		for i := range k.tokens {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"t%d":%s`, i, tokenFile(i))
		}
		b.WriteString("}}\n")
	}
	pick := func(distinct, line int) int {
		if distinct == 0 {
			return line
		}
		return rng.IntN(distinct)
	}
	for i := range n {
		t, d := pick(k.tokens, i), pick(k.sds, i)
		fmt.Fprintf(&b, `{"id":%d,`, i)
		if k.inline {
			fmt.Fprintf(&b, `"token":%s,`, tokenFile(t))
		} else {
			fmt.Fprintf(&b, `"tokenRef":"t%d",`, t)
		}
		fmt.Fprintf(&b, `"sd":"%s","desired":%s}`, sdText(d),
			[...]string{`"FR"`, `"0x20089"`, `1`, `"FR|WD"`, `"MAXIMUM_ALLOWED"`, `131209`}[rng.IntN(6)])
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// tokenFile is token number i: a user with ten groups.
func tokenFile(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"user":"S-1-5-21-1-2-3-%d","groups":["DU","WD","AU","BU"`, 1000+i)
	for g := range 6 {
		fmt.Fprintf(&b, `,"S-1-5-21-1-2-3-%d"`, 5000+(i*7+g*13)%200)
	}
	b.WriteString(`],"privileges":["SeChangeNotifyPrivilege"],"type":"Impersonation"}`)
	return b.String()
}

// sdText returns descriptor number i: five entries, of which the last grants nearly everyone a right.
func sdText(i int) string {
	last := [...]string{"BU", "DU", "WD", "BA"}[i%4]
	return fmt.Sprintf("O:BAG:SYD:AI(D;;FW;;;BG)(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1301bf;;;S-1-5-21-1-2-3-%d)(A;;FR;;;%s)",
		5000+i, last)
}
