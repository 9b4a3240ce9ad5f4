package batch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestBatchConvertsSIDsBothWays(t *testing.T) {
	const everyone = "010100000000000100000000"
	for _, c := range []struct {
		job        *Job
		line, want string
	}{
		{SIDs(), `{"id":1,"sid":"WD"}`, `{"id":1,"hex":"` + everyone + `"}`},
		{SIDs(), `{"id":1,"sid":"s-1-1-0"}`, `{"id":1,"hex":"` + everyone + `"}`},
		{SIDs(), `{"id":1,"hex":"` + everyone + `"}`, `{"id":1,"sid":"S-1-1-0"}`},
		{SIDs(), `{"id":1,"hex":"` + everyone + `00"}`,
			`{"id":1,"error":"line 1: hex: invalid SID: it ends after 12 bytes and 1 more follow","offset":12}`},
		{SIDs(), `{"id":1,"hex":"02"}`,
			`{"id":1,"error":"line 1: hex: invalid SID: at byte 0 of the binary form","offset":0}`},
		{SIDs(), `{"id":1,"hex":"0110"}`,
			`{"id":1,"error":"line 1: hex: invalid SID: at byte 1 of the binary form","offset":1}`},
		{SIDs(), `{"id":1,"hex":""}`, `{"id":1,"error":"line 1: hex: invalid SID: at byte 0 of the binary form","offset":0}`},
		{SIDs(), `{"id":1,"hex":"010"}`,
			`{"id":1,"error":"line 1: hex: wrong hexadecimal digit or an odd number of them at 2","offset":2}`},
		{SIDs(), `{"id":1,"hex":"010g"}`,
			`{"id":1,"error":"line 1: hex: wrong hexadecimal digit or an odd number of them at 3","offset":3}`},
		{SIDs(), `{"id":1}`, `{"id":1,"error":"line 1: want one of the fields \"sid\" and \"hex\""}`},
		{SIDs(), `{"id":1,"sid":"WD","hex":"00"}`, `{"id":1,"error":"line 1: want one of the fields \"sid\" and \"hex\""}`},
		{SIDs(), `{"id":1,"sid":"DU","domain":"S-1-5-21-1-2-3"}`,
			`{"id":1,"hex":"01050000000000051500000001000000020000000300000001020000"}`},
		{SIDs(), `{"id":1,"sid":"DU"}`, `{"id":1,"error":"line 1: sid: SID \"DU\": at byte 0: want an alias ` +
			`that needs no domain (DU does, and none was given)","offset":0}`},
		{SIDs(), `{"id":1,"sid":"WD","domain":7}`, `{"id":1,"error":"line 1: domain: want a string, found 7"}`},
		{SIDs(), `{"id":1,"sid":"WD","domain":"S-1-x"}`, `{"id":1,"error":"line 1: domain: SID \"S-1-x\": at byte 4: want ` +
			`an authority below 2^48"}`},
		{SIDs(), `{"id":1,"hex":7}`, `{"id":1,"error":"line 1: hex: want a string, found 7"}`},
		{SIDs(), `{"id":1,"sid":null,"hex":"` + everyone + `","domain":null}`, `{"id":1,"sid":"S-1-1-0"}`},
		{Descriptors(), `{"id":1,"sddl":"O:WD","sid":"WD"}`, `{"id":1,"error":"line 1: byte 22: unknown field \"sid\": ` +
			`known are domain, hex, id, sddl"}`},
		{Descriptors(), `{"id":1,"sddl":["O:WD"]}`, `{"id":1,"error":"line 1: sddl: want a string, found [\"O:WD\"]"}`},
		{SIDs(), `{"id":1,"sid":5}`, `{"id":1,"error":"line 1: sid: want a string, found 5"}`},
		{Descriptors(), `{"id":1,"sddl":"O:WD"}`, `{"id":1,"hex":"0100008014000000000000000000000000000000` +
			everyone + `"}`},
		{Descriptors(), `{"id":1,"sddl":"O:DU","domain":"S-1-5-21-1-2-3"}`, `{"id":1,"hex":"0100008014000000000000000000` +
			`00000000000001050000000000051500000001000000020000000300000001020000"}`},
		{Descriptors(), `{"id":1,"domain":"S-1-5-21-1-2-3","hex":"0100008014000000000000000000000000000000010500000000` +
			`00051500000001000000020000000300000001020000"}`, `{"id":1,"sddl":"O:DU"}`},
		{Descriptors(), `{"id":1,"hex":"0100008014000000000000000000000000000000` + everyone + `"}`,
			`{"id":1,"sddl":"O:WD"}`},
	} {
		got, _ := runText(t, c.job, strings.NewReader(c.line))
		check.Equal(t, got, c.want+"\n", "%s", c.line)
	}
	const conditional = `{"id":1,"sddl":"D:(XA;;FR;;;WD;(@USER.a == \"x\"))"}` + "\n"
	binary, _ := runText(t, Descriptors(), strings.NewReader(conditional))
	got, _ := runText(t, Descriptors(), strings.NewReader(binary))
	check.Equal(t, got, conditional, "text of %s", binary)
	for line, want := range map[string]string{`{"id":1,"hex":""}`: `"offset":0}`,
		`{"id":1,"hex":"0100008014000000000000000000000000000000"}`: `"offset":4}`,
		`{"id":1,"sddl":"O:ZZ"}`:                                    `"error":"line 1: sddl: SDDL: at byte 2: want `} {
		got, _ := runText(t, Descriptors(), strings.NewReader(line))
		check.That(t, strings.Contains(got, want), "%s: %s, want %s", line, got, want)
	}
}

// An error does not quote a very long text completely.
func TestLongErrorsAreShort(t *testing.T) {
	for _, j := range []*Job{SIDs(), Descriptors()} {
		for _, field := range []string{"sid", "sddl", "hex", "domain"} {
			line := `{"id":1,"` + field + `":"` + strings.Repeat("S-1-é", 100_000) + `"}`
			got, _ := runText(t, j, strings.NewReader(line))
			check.That(t, len(got) <= 2500 && json.Valid([]byte(got)),
				"%s: answer of %d bytes: %.100s, want at most 2500 and valid JSON", field, len(got), got)
		}
	}
}

// FuzzConversionLine checks that any line gets one line of JSON, and that a converted value converts back to the same
// bytes.
func FuzzConversionLine(f *testing.F) {
	f.Add(`{"id":1,"sid":"S-1-5-32-544"}`)
	f.Add(`{"id":1,"hex":"010100000000000100000000"}`)
	f.Add(`{"id":"x","sddl":"O:BAG:SYD:(A;;FA;;;BA)S:(ML;;NW;;;HI)","domain":"S-1-5-21-1-2-3"}`)
	f.Add(`{"id":1,"hex":"0100008014000000000000000000000000000000010100000000000100000000"}`)
	f.Add(`{"id":1,"sddl":"D:(XA;;FR;;;WD;(@User.x==1))"}`)
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "\n") {
			return
		}
		for _, j := range []*Job{SIDs(), Descriptors()} {
			out, ok := j.Worker()(nil, []byte(line), 1)
			var got struct {
				ID        json.RawMessage
				Hex       *string
				Sid, Sddl string
				Error     *string
			}
			check.NoError(t, json.Unmarshal(out, &got))
			check.RequireThat(t, got.ID != nil && ok == (got.Error == nil),
				"line %q: answer %q, want an id, and an error only if refused", line, out)
			if !ok || got.Hex == nil {
				continue
			}
			back, ok := j.Worker()(nil, []byte(`{"id":1,"hex":"`+*got.Hex+`"}`), 1)
			check.RequireThat(t, ok, "line %q: answer %q does not convert back: %q, want it accepted", line, out, back)
		}
	})
}
