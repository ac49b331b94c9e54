"""The form of an order."""

from django import forms

from shop.models import Order


class OrderForm(forms.ModelForm):
    """The form of an order: the number of copies and the address of the receipt."""

    class Meta:
        model = Order
        fields = ["copies", "email"]
