package main

const e2eSchema = `
key: account
fields:
  id:       {type: integer}
  time:     {type: timestamp}
  account:  {type: string, entity: true, required: true}
  card:     {type: string, entity: true}
  amount:   {type: money, currency_from: currency, required: true}
  currency: {type: currency, required: true}
  cvv:      {type: string, secret: true}
label:
  id: id
  value: fraud
`
