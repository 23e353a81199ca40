;; A guest that does to the host what each item tells it: the day that an item was created on is a
;; code. All other items get a sound verdict. What a code does stands beside it below.
(module
  (memory (export "memory") 32)
  (global $heap (mut i32) (i32.const 131072))

  ;; The dictionary: pairs of pointer and length.
  ;; 0 "rule", 1 "fine", 2 "limit", 3 "nope", 4 an ANSI escape, 5 1,001 letters, 6 no UTF-8
  (data (i32.const 256)
    "\00\02\00\00\04\00\00\00" "\04\02\00\00\04\00\00\00" "\08\02\00\00\05\00\00\00"
    "\0d\02\00\00\04\00\00\00" "\11\02\00\00\05\00\00\00" "\00\20\00\00\e9\03\00\00"
    "\16\02\00\00\01\00\00\00")
  (data (i32.const 512) "rule" "fine" "limit" "nope" "\1b[31m" "\ff" "/code")
  ;; Two settings problems: "/code" is "fine", "/code" is an ANSI escape.
  (data (i32.const 640)
    "\17\02\00\00\05\00\00\00" "\04\02\00\00\04\00\00\00"
    "\17\02\00\00\05\00\00\00" "\11\02\00\00\05\00\00\00")

  (func $allocate (export "cabi_realloc")
    (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (block $enough
      (loop $more
        (br_if $enough
          (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable)))
        (br $more)))
    (local.get $at))

  (func $column (param $items i32) (result i32)
    (call $allocate (i32.const 0) (i32.const 0) (i32.const 4)
      (i32.shl (local.get $items) (i32.const 2))))

  (func $deep (param $n i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get $n) (i32.const 1)))))

  ;; What ends a run before it gives anything.
  (func $end (param $code i32)
    ;; 10: runs for ever
    (if (i32.eq (local.get $code) (i32.const 10)) (then (loop $for_ever (br $for_ever))))
    ;; 11: takes memory until it gets no more
    (if (i32.eq (local.get $code) (i32.const 11))
      (then
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
        (unreachable)))
    ;; 12: calls itself for ever
    (if (i32.eq (local.get $code) (i32.const 12)) (then (drop (call $deep (i32.const 0)))))
    ;; 13, 14, 15: unreachable, division by zero, out of bounds
    (if (i32.eq (local.get $code) (i32.const 13)) (then (unreachable)))
    (if (i32.eq (local.get $code) (i32.const 14))
      (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
    (if (i32.eq (local.get $code) (i32.const 15)) (then (drop (i32.load (i32.const -8))))))

  (func $judge (param $batch i32) (param $default i32) (result i32)
    (local $items i32) (local $i i32) (local $code i32) (local $breach i32) (local $at i32)
    (local $index i32) (local $action i32) (local $rule i32) (local $until i32) (local $message i32)
    (memory.fill (i32.const 8192) (i32.const 120) (i32.const 1001))
    (local.set $items (i32.load offset=12 (local.get $batch)))
    (local.set $index (call $column (local.get $items)))
    (local.set $action (call $column (local.get $items)))
    (local.set $rule (call $column (local.get $items)))
    (local.set $until (call $column (local.get $items)))
    (local.set $message (call $column (local.get $items)))
    (block $judged
      (loop $next
        (br_if $judged (i32.eq (local.get $i) (local.get $items)))
        (local.set $at (i32.shl (local.get $i) (i32.const 2)))
        (local.set $code
          (i32.load (i32.add (i32.load offset=16 (local.get $batch)) (local.get $at))))
        (call $end (local.get $code))
        ;; 20: an item that is not there
        (i32.store (i32.add (local.get $index) (local.get $at))
          (select (local.get $items) (local.get $i) (i32.eq (local.get $code) (i32.const 20))))
        ;; 21: no action
        (i32.store8 (i32.add (local.get $action) (local.get $i))
          (select (i32.const 99) (local.get $default) (i32.eq (local.get $code) (i32.const 21))))
        ;; 22: a rule that is not declared; 23: one that is a limit
        (i32.store (i32.add (local.get $rule) (local.get $at))
          (select (i32.const 3)
            (select (i32.const 2) (i32.const 0) (i32.eq (local.get $code) (i32.const 23)))
            (i32.eq (local.get $code) (i32.const 22))))
        ;; 24: a day in the past
        (i32.store (i32.add (local.get $until) (local.get $at))
          (select (i32.const 1) (i32.const 0x80000000)
            (i32.eq (local.get $code) (i32.const 24))))
        ;; 1: a message; 25: an ANSI escape; 26: a long one
        (i32.store (i32.add (local.get $message) (local.get $at)) (i32.const -1))
        (if (i32.eq (local.get $code) (i32.const 1))
          (then (i32.store (i32.add (local.get $message) (local.get $at)) (i32.const 1))))
        (if (i32.eq (local.get $code) (i32.const 25))
          (then (i32.store (i32.add (local.get $message) (local.get $at)) (i32.const 4))))
        (if (i32.eq (local.get $code) (i32.const 26))
          (then (i32.store (i32.add (local.get $message) (local.get $at)) (i32.const 5))))
        (if (i32.ge_u (local.get $code) (i32.const 30))
          (then (local.set $breach (local.get $code))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    ;; The result: discriminant, then the columns as pointers and lengths.
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (local.get $index))
    (i32.store (i32.const 1032) (local.get $items))
    (i32.store (i32.const 1036) (local.get $action))
    (i32.store (i32.const 1040) (local.get $items))
    (i32.store (i32.const 1044) (local.get $rule))
    (i32.store (i32.const 1048) (local.get $items))
    (i32.store (i32.const 1052) (local.get $until))
    (i32.store (i32.const 1056) (local.get $items))
    (i32.store (i32.const 1060) (i32.const 0))
    (i32.store (i32.const 1064) (i32.const 0))
    (i32.store (i32.const 1068) (i32.const 0))
    (i32.store (i32.const 1072) (i32.const 0))
    (i32.store (i32.const 1076) (local.get $message))
    (i32.store (i32.const 1080) (local.get $items))
    (i32.store (i32.const 1084) (i32.const 256))
    (i32.store (i32.const 1088) (i32.const 6))
    (call $break (local.get $breach))
    (i32.const 1024))

  ;; What breaks the result as a whole.
  (func $break (param $code i32)
    ;; 30: a length beyond memory
    (if (i32.eq (local.get $code) (i32.const 30))
      (then (i32.store (i32.const 1032) (i32.const 0x7fffffff))))
    ;; 31: a pointer that is not aligned
    (if (i32.eq (local.get $code) (i32.const 31))
      (then (i32.store (i32.const 1028) (i32.const 1))))
    ;; 32: a string that is not UTF-8
    (if (i32.eq (local.get $code) (i32.const 32))
      (then (i32.store (i32.const 1088) (i32.const 7))))
    ;; 33: more output than is let through
    (if (i32.eq (local.get $code) (i32.const 33))
      (then
        (i32.store (i32.const 1036) (i32.const 0))
        (i32.store (i32.const 1040) (i32.const 1500000))))
    ;; 34: columns of different lengths
    (if (i32.eq (local.get $code) (i32.const 34))
      (then
        (i32.store (i32.const 1048)
          (i32.sub (i32.load (i32.const 1048)) (i32.const 1)))))
    ;; 35, 36: it refuses: unsupported, bad settings
    (if (i32.eq (local.get $code) (i32.const 35))
      (then
        (i32.store (i32.const 1024) (i32.const 1))
        (i32.store (i32.const 1028) (i32.const 1))))
    (if (i32.eq (local.get $code) (i32.const 36))
      (then
        (i32.store (i32.const 1024) (i32.const 1))
        (i32.store (i32.const 1028) (i32.const 0)))))

  (func (export "oubli:policy/retention@1.0.0#evaluate") (param $arguments i32) (result i32)
    (call $judge (i32.add (local.get $arguments) (i32.const 36)) (i32.const 4)))
  (func (export "oubli:policy/guard@1.0.0#evaluate") (param $arguments i32) (result i32)
    (call $judge (i32.add (local.get $arguments) (i32.const 40)) (i32.const 5)))
  (func (export "oubli:policy/audit@1.0.0#evaluate") (param $arguments i32) (result i32)
    (call $judge (i32.add (local.get $arguments) (i32.const 76)) (i32.const 6)))

  ;; Settings are {"code":NN} or {}; 40 and 41: a problem, and one with an ANSI escape.
  (func (export "oubli:policy/settings@1.0.0#validate-settings")
    (param $json i32) (param $length i32) (result i32)
    (local $code i32)
    (if (i32.ge_u (local.get $length) (i32.const 11))
      (then
        (local.set $code
          (i32.sub
            (i32.add
              (i32.mul (i32.load8_u offset=8 (local.get $json)) (i32.const 10))
              (i32.load8_u offset=9 (local.get $json)))
            (i32.const 528)))))
    (call $end (local.get $code))
    (i32.store (i32.const 1024) (i32.const 0))
    (if (i32.ge_u (local.get $code) (i32.const 40))
      (then
        (i32.store (i32.const 1024) (i32.const 1))
        (i32.store (i32.const 1028)
          (i32.add (i32.const 640)
            (i32.shl (i32.sub (local.get $code) (i32.const 40)) (i32.const 4))))
        (i32.store (i32.const 1032) (i32.const 1))))
    (i32.const 1024))
)
