package kit_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/test/check"
)

// TestReasonMayBeMissing answers without a reason (B-45).
func TestReasonMayBeMissing(t *testing.T) {
	for _, rest := range []string{`""`, `null`, `"why"`} {
		j := kit.NewJudge(example(), 1)
		if err := j.Take([]byte(`{"id":"a","unsupported":` + rest + `}`)); err != nil || j.Total().Unsupported != 1 {
			t.Errorf("unsupported %s: got %v and %+v, want one unsupported", rest, err, j.Total())
		}
	}
}

// TestProtocolErrorsNameTheLine checks the messages about lines that are not answers (B-45).
func TestProtocolErrorsNameTheLine(t *testing.T) {
	for in, want := range map[string]string{
		"\n{\"id\":\"a\",\"unsupported\":\"\"}\n{\"id\":\"b\",\"out\":null}\n": `line 3: ` + kit.ErrProtocol.Error() +
			`: answer "{\"id\":\"b\",\"out\":null}": "out" is null: write {"id":"b","out":{...}} with the result, or ` +
			`"unsupported" or "error" in place of "out"`,
		"x\n": "line 1: ", "{\"id\":\"a\"}": "line 1: ", "\n" + strings.Repeat("x", kit.MaxAnswer+1): "line 2: ",
		`{"id":"a","unsupported":"","error":"invalid"}`: "give one of out, unsupported and error",
		`{"id":"a","error":"bad"}`:                      "the error must start with invalid or other",
		`{"id":"","error":"invalid"}`:                   "no id",
	} {
		err := kit.Score(kit.NewJudge(example(), 1), strings.NewReader(in))
		check.That(t, errors.Is(err, kit.ErrProtocol) && strings.Contains(err.Error(), want),
			"%.60q: got %v, want %s", in, err, want)
	}
	check.ErrorIs(t, kit.Score(kit.NewJudge(example(), 1), iotest.ErrReader(io.ErrClosedPipe)), io.ErrClosedPipe,
		"answers that cannot be read")
}
