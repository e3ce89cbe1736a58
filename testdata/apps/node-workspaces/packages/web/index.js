const { total } = require('@shop/price');
const colors = require('picocolors');

console.log(colors.bold('total'), total([{ price: '0.10', count: 3 }, { price: '19.99', count: 1 }]));
