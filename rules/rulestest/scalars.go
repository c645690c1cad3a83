package rulestest

import "fmt"

func (w *writer) number(depth int) string {
	if w.IntN(2) == 0 {
		return w.integer(depth)
	}
	return w.float(depth)
}

// integer writes an expression of kind Int.
func (w *writer) integer(depth int) string {
	if w.stop(depth) {
		return w.one(w.plainInteger(), w.plainInteger(), "1", "3", "9223372036854775807")
	}
	d := depth - 1
	return w.pick(
		w.plainInteger,
		func() string { return w.one("0", "1", "2", "7", "-3") },
		func() string { return fmt.Sprintf("(%s %s %s)", w.integer(d), w.one("+", "-", "*", "%"), w.integer(d)) },
		func() string { return fmt.Sprintf("-(%s)", w.integer(d)) },
		func() string { return fmt.Sprintf("(%s ? %s : %s)", w.boolean(d), w.integer(d), w.integer(d)) },
		func() string { return fmt.Sprintf("((%s) ?? (%s))", w.integer(d), w.integer(d)) },
		func() string { return call(w.one("min", "max"), w.integer(d), w.integer(d), w.plainInteger()) },
		func() string { return call("abs", w.integer(d)) },
		func() string { return call("int", w.number(d)) },
		func() string { return call("len", w.text(d)) },
		func() string { return w.count(d) },
		func() string { return w.count(d) },
		func() string { return w.count(d) },
		func() string { return w.aggregate(d, "int", "sum", "min", "max", "most_common") },
		func() string { return w.fieldOf("int", d) },
	)
}

// float writes an expression of kind Float, or sometimes Int.
func (w *writer) float(depth int) string {
	if w.stop(depth) {
		return w.one(w.plainFloat(), w.plainFloat(), "2.5", "0.1", "1e308")
	}
	d := depth - 1
	return w.pick(
		w.plainFloat,
		w.constant,
		func() string { return fmt.Sprintf("(%s %s %s)", w.number(d), w.one("+", "-", "*", "/"), w.number(d)) },
		func() string { return fmt.Sprintf("(%s / %s)", w.integer(d), w.integer(d)) },
		func() string { return fmt.Sprintf("-(%s)", w.float(d)) },
		func() string { return fmt.Sprintf("(%s ? %s : %s)", w.boolean(d), w.number(d), w.number(d)) },
		func() string { return fmt.Sprintf("((%s) ?? (%s))", w.number(d), w.number(d)) },
		func() string { return call(w.one("min", "max"), w.number(d), w.float(d)) },
		func() string { return call(w.one("abs", "ceil", "floor", "round", "float"), w.number(d)) },
		func() string { return w.distance(d) },
		func() string { return w.mean(d) },
		func() string { return w.mean(d) },
		func() string { return w.aggregate(d, "float", "sum", "min", "max", "most_common") },
		func() string { return w.aggregate(d, "float", "sum", "min", "max", "most_common") },
		func() string { return w.fieldOf("float", d) },
	)
}

func (w *writer) distance(depth int) string {
	e := "tx"
	if w.element != "event" || w.IntN(2) == 0 {
		e = w.event(depth)
	}
	return call("distance_km", "tx.lat", "tx.lon", e+".lat", e+".lon")
}

// text writes an expression of kind String.
func (w *writer) text(depth int) string {
	if w.stop(depth) {
		return w.one(w.plainText(), w.plainText(), `"m"`, `"m1"`)
	}
	d := depth - 1
	return w.pick(
		w.plainText,
		func() string { return call(w.one("lower", "upper", "trim"), w.text(d)) },
		func() string { return fmt.Sprintf("(%s ? %s : %s)", w.boolean(d), w.text(d), w.text(d)) },
		func() string { return fmt.Sprintf("((%s) ?? (%s))", w.text(d), w.text(d)) },
		func() string { return w.aggregate(d, "text", "most_common") },
		func() string { return w.fieldOf("text", d) },
		func() string { return w.fieldOf("text", d) },
	)
}
