package naive

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"sluice/rules/lang"
	"sluice/scoring/event"
)

func fromValue(v event.Value) scalar {
	switch v.Kind {
	case event.Bool:
		return boolean(v.Bits == 1)
	case event.Int:
		return whole(int64(v.Bits))
	case event.Time:
		return scalar{kind: event.Time, n: big.NewInt(int64(v.Bits))}
	case event.Float:
		return finite(math.Float64frombits(v.Bits))
	case event.String:
		return text(v.Text)
	}
	return missing()
}

func (v scalar) value() event.Value {
	switch v.kind {
	case event.Bool:
		if v.yes {
			return event.Value{Kind: event.Bool, Bits: 1}
		}
	case event.Int, event.Time:
		return event.Value{Kind: v.kind, Bits: uint64(v.n.Int64())}
	case event.Float:
		return event.Value{Kind: event.Float, Bits: math.Float64bits(v.f)}
	}
	return event.Value{Kind: v.kind, Text: v.s}
}

// finite gives f, missing if it is no number or infinite.
func finite(f float64) scalar {
	if f != f || f > math.MaxFloat64 || f < -math.MaxFloat64 {
		return missing()
	}
	if f == 0 {
		f = 0
	}
	return scalar{kind: event.Float, f: f}
}

// float gives a number as a float.
func (v scalar) float() float64 {
	if v.kind == event.Float {
		return v.f
	}
	f, _ := new(big.Float).SetInt(v.n).Float64()
	return f
}

// text gives a value as a list file writes it.
func (v scalar) text() string {
	if v.kind == event.Int {
		return v.n.String()
	}
	return v.s
}

// compare gives -1, 0 or 1 for two values that are there.
func compare(a, b scalar) int {
	switch {
	case a.kind == event.String:
		return strings.Compare(a.s, b.s)
	case a.kind == event.Bool:
		return map[bool]int{true: 0, false: 1}[a.yes == b.yes]
	case a.kind == event.Float || b.kind == event.Float:
		return big.NewFloat(a.float()).Cmp(big.NewFloat(b.float()))
	}
	return a.n.Cmp(b.n)
}

// binary gives `a op b`.
func binary(n *lang.Node, a, b scalar) scalar {
	if a.missing() || b.missing() {
		return missing()
	}
	switch n.Op {
	case lang.Eq:
		return boolean(compare(a, b) == 0)
	case lang.Ne:
		return boolean(compare(a, b) != 0)
	case lang.Lt:
		return boolean(compare(a, b) < 0)
	case lang.Le:
		return boolean(compare(a, b) <= 0)
	case lang.Gt:
		return boolean(compare(a, b) > 0)
	case lang.Ge:
		return boolean(compare(a, b) >= 0)
	case lang.Contains:
		return boolean(strings.Contains(a.s, b.s))
	case lang.StartsWith:
		return boolean(strings.HasPrefix(a.s, b.s))
	case lang.EndsWith:
		return boolean(strings.HasSuffix(a.s, b.s))
	case lang.Matches:
		return boolean(regexp.MustCompile(b.s).MatchString(a.s))
	}
	return arithmetic(n, a, b)
}

func arithmetic(n *lang.Node, a, b scalar) scalar {
	if a.kind == event.Time {
		d := integer(new(big.Int).Sub(a.n, b.n))
		if d.missing() {
			return d
		}
		return finite(d.float() / 1e9)
	}
	if a.kind == event.Int && b.kind == event.Int && n.Op != lang.Div {
		return integers(n.Op, a.n, b.n)
	}
	x, y := a.float(), b.float()
	switch n.Op {
	case lang.Add:
		return finite(x + y)
	case lang.Sub:
		return finite(x - y)
	case lang.Mul:
		return finite(x * y)
	case lang.Div:
		if y == 0 {
			return missing()
		}
		return finite(x / y)
	}
	panic(fmt.Sprintf("naive: no operator: %d", n.Op))
}

func integers(op lang.Op, a, b *big.Int) scalar {
	z := new(big.Int)
	switch op {
	case lang.Add:
		return integer(z.Add(a, b))
	case lang.Sub:
		return integer(z.Sub(a, b))
	case lang.Mul:
		return integer(z.Mul(a, b))
	}
	if b.Sign() == 0 {
		return missing()
	}
	return integer(z.Rem(a, b))
}

func negative(v scalar) scalar {
	switch v.kind {
	case event.Int:
		return integer(new(big.Int).Neg(v.n))
	case event.Float:
		return finite(-v.f)
	}
	return v
}

// call walks a function.
func (w *walker) call(n *lang.Node) scalar {
	if n.Args[0].Kind.IsList() {
		return w.overList(n)
	}
	var args []scalar
	for _, a := range n.Args {
		v := w.scalar(a)
		if v.missing() {
			return v
		}
		args = append(args, v)
	}
	return function(n, args)
}

// function gives a function of values that are all there.
func function(n *lang.Node, args []scalar) scalar {
	v := args[0]
	switch n.Name {
	case "abs":
		if v.kind == event.Int {
			return integer(new(big.Int).Abs(v.n))
		}
		return finite(math.Abs(v.f))
	case "ceil":
		return finite(math.Ceil(v.float()))
	case "floor":
		return finite(math.Floor(v.float()))
	case "round":
		return finite(math.Round(v.float()))
	case "int":
		return truncated(v)
	case "float":
		return finite(v.float())
	case "min", "max":
		return picked(n.Name, args)
	case "len":
		return small(len([]rune(v.s)))
	case "lower":
		return text(strings.ToLower(v.s))
	case "upper":
		return text(strings.ToUpper(v.s))
	case "trim":
		return text(strings.TrimSpace(v.s))
	case "distance_km":
		return distance(args)
	}
	panic(fmt.Sprintf("naive: no function: %s", n.Name))
}

func truncated(v scalar) scalar {
	if v.kind == event.Int {
		return v
	}
	n, ok := new(big.Int).SetString(strconv.FormatFloat(math.Trunc(v.f), 'f', 0, 64), 10)
	if !ok {
		return missing()
	}
	return integer(n)
}

func picked(name string, values []scalar) scalar {
	best := values[0]
	for _, v := range values[1:] {
		if c := compare(v, best); c < 0 && name == "min" || c > 0 && name == "max" {
			best = v
		}
	}
	return best
}

func distance(at []scalar) scalar {
	radians := func(i int) float64 { return at[i].float() * (math.Pi / 180) }
	dLat := math.Sin((at[2].float() - at[0].float()) * (math.Pi / 180) / 2)
	dLon := math.Sin((at[3].float() - at[1].float()) * (math.Pi / 180) / 2)
	h := dLat*dLat + math.Cos(radians(0))*math.Cos(radians(2))*dLon*dLon
	return finite(2 * 6371 * math.Asin(math.Sqrt(min(1, h))))
}
